package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"firn/access"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/snapshot"
	"firn/sqlite/browse"
)

// shop is a server with customers and their orders, of which some are gone since the first snapshot.
func shop(t *testing.T) (s *stand, from, to *snapshot.Snapshot) {
	t.Helper()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	from = take(t, f, "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)", "CREATE TABLE orders(id INTEGER PRIMARY KEY, of INTEGER REFERENCES users ON DELETE CASCADE, what)",
		"INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger'), (4, 'Alan')", "INSERT INTO orders VALUES (10, 2, 'a compiler'), (11, 2, 'a ship'), (12, 3, 'a proof')",
		"CREATE TABLE sums(id INTEGER PRIMARY KEY, a, b AS (a * 2))", "INSERT INTO sums(id, a) VALUES (1, 5)", "CREATE VIRTUAL TABLE words USING fts5(w)", "INSERT INTO words VALUES ('x')",
		"CREATE VIEW seen AS SELECT * FROM users")
	to = take(t, f, "PRAGMA foreign_keys = ON; DELETE FROM users WHERE id = 2", "UPDATE users SET name = 'Ada L.' WHERE id = 1", "INSERT INTO users VALUES (9, 'new')",
		"DELETE FROM users WHERE id = 4", "DELETE FROM sums")
	return start(t, f, limits), from, to
}

// users returns the names of the customers, and the numbers of their orders.
func users(t *testing.T, f *sessiontest.Fixture) (list string) {
	t.Helper()
	db := dbtest.Open(t, f.Path("app.db"))
	defer db.Close()
	const query = "SELECT group_concat(id || ' ' || name || ' ' || (SELECT count(*) FROM orders WHERE of = users.id), ', ' ORDER BY id) FROM users"
	if err := db.QueryRow(query).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

const afterwards = "1 Ada L. 0, 3 Edsger 1, 9 new 0"

// fieldsOf returns the hidden fields of a plan's form, and where it is sent to.
func fieldsOf(t *testing.T, body string) (fields url.Values, run string) {
	t.Helper()
	fields = url.Values{}
	form := body[strings.Index(body, `<form class="plan"`):]
	for _, f := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form, -1) {
		fields.Add(f[1], html.UnescapeString(f[2]))
	}
	found := regexp.MustCompile(`formaction="([^"]*)"`).FindStringSubmatch(form)
	if found == nil {
		t.Fatalf("the plan cannot be run: %.5000s", body)
	}
	return fields, html.UnescapeString(found[1])
}

func key(n int64) string { return browse.EncodeKey([]any{n}) }

// TestTickedRowsComeBack goes from a comparison over the plan to the rows, and looks at what was logged.
func TestTickedRowsComeBack(t *testing.T) {
	t.Parallel()
	s, from, to := shop(t)
	token := s.token(t, access.Restore, "*")
	_, differing := s.follow(t, fmt.Sprintf("/diff?from=%s&to=%s&table=users", from.ID, to.ID), token)
	has(t, "comparison", differing, `value="`+key(2)+`"`, `value="`+key(1)+`"`, "all removed")
	if strings.Contains(differing, `value="`+key(9)+`"`) {
		t.Error("a row that was not there then can be brought back")
	}
	action := html.UnescapeString(regexp.MustCompile(`action="(/databases/app/rows/plan[^"]*)"`).FindStringSubmatch(differing)[1])
	ticked := url.Values{"snapshot": {from.ID.String()}, "other": {to.ID.String()}, "key": {key(1), key(2)}}
	answer, plan := s.send(t, action, token, ticked)
	want(t, "plan", answer, plan, http.StatusOK)
	has(t, "plan", plan, "comes back", "changes", `<del class="text">Ada L.</del> <ins class="text">Ada</ins>`, "BEGIN IMMEDIATE;", "INSERT INTO main.&#34;users&#34;", "2 rows of orders that referred to these rows are missing now, too")
	ticked.Set("children", "1")
	answer, plan = s.send(t, action, token, ticked)
	want(t, "plan with children", answer, plan, http.StatusOK)
	has(t, "plan with children", plan, "a ship", `name="children" checked`)
	fields, run := fieldsOf(t, plan)
	fields.Set("children", "1")
	answer, script := s.send(t, action, token, url.Values{"snapshot": {from.ID.String()}, "key": {key(2)}, "format": {"sql"}})
	want(t, "script", answer, script, http.StatusOK)
	has(t, "script", script, "INSERT INTO main.\"users\"(\"id\", \"name\") VALUES (2, 'Grace');", "COMMIT;")

	for name, typed := range map[string]string{"Nothing": "", "Another": "other", "Case": "APP"} {
		fields.Set("name", typed)
		answer, body := s.send(t, run, token, fields)
		want(t, name, answer, body, http.StatusUnprocessableEntity)
		has(t, name, body, "the name was not typed")
	}
	if got := users(t, s.Fixture); got != afterwards {
		t.Fatalf("without the name: got %s", got)
	}
	fields.Set("name", "app")
	j := s.finish(t, run, token, fields)
	has(t, "run", j.Done, "Brought rows of ", `users: 1 came back, 1 changed, 0 went; orders: 2 came back`)
	_, page := s.follow(t, "/work/"+j.ID, token)
	has(t, "job", page, "Bring rows of app back from snapshot", `<a href="/databases/app/undo">Undo</a>`)
	if got, want := users(t, s.Fixture), "1 Ada 0, 2 Grace 2, 3 Edsger 1, 9 new 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	answer, again := s.send(t, run, token, fields)
	want(t, "the same form again", answer, again, http.StatusSeeOther)
	if got := answer.Header.Get("Location"); got != "/work/"+j.ID {
		t.Errorf("the same form again leads to %s", got)
	}
	fields.Del("job")
	answer, again = s.send(t, run, token, fields)
	want(t, "the same plan again", answer, again, http.StatusConflict)
	has(t, "the same plan again", again, "There is nothing to do")
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if err != nil || len(lines) != 2 || !strings.Contains(lines[0], `"what":"restore rows","environment":"app","snapshot":"`+from.ID.String()+`"`) || !strings.Contains(lines[1], `"ended"`) {
		t.Errorf("log: got %s, %v", log, err)
	}
}

// TestAllRemovedOrChangedRowsComeBack uses the buttons for all rows of a kind.
func TestAllRemovedOrChangedRowsComeBack(t *testing.T) {
	t.Parallel()
	s, from, to := shop(t)
	token := s.token(t, access.Restore, "*")
	for selected, wanted := range map[string]string{"removed": `<td class="number">2</td><td class="number">0</td>`, "changed": `<td class="number">0</td><td class="number">1</td>`} {
		answer, plan := s.send(t, "/databases/app/rows/plan?table=users", token, url.Values{
			"snapshot": {from.ID.String()}, "other": {to.ID.String()}, "selected": {selected}, "key": {key(3)}, // a tick beside the button
		})
		want(t, selected, answer, plan, http.StatusOK)
		has(t, selected, plan, wanted)
	}
}

// TestVersionComesBack brings back a version from the page of a row that was deleted.
func TestVersionComesBack(t *testing.T) {
	t.Parallel()
	s, from, _ := shop(t)
	token := s.token(t, access.Restore, "*")
	_, row := s.follow(t, "/snapshots/"+from.ID.String()+"/row?table=users&key="+key(4), token)
	form := regexp.MustCompile(`action="([^"]*rows/plan[^"]*)"><input type="hidden" name="snapshot" value="(\w+)"><input type="hidden" name="row" value="([^"]*)"><button class="plain">Bring it back`).FindStringSubmatch(row)
	if form == nil {
		t.Fatalf("the row cannot be brought back: %s", row)
	}
	answer, plan := s.send(t, html.UnescapeString(form[1]), token, url.Values{"snapshot": {form[2]}, "row": {form[3]}})
	want(t, "plan", answer, plan, http.StatusOK)
	fields, run := fieldsOf(t, plan)
	fields.Set("name", "app")
	s.finish(t, run, token, fields)
	if got := users(t, s.Fixture); got != "1 Ada L. 0, 3 Edsger 1, 4 Alan 0, 9 new 0" {
		t.Errorf("got %s", got)
	}
}

// TestTamperedFormsChangeNothing sends forms that no page has made, and plans that have grown stale.
func TestTamperedFormsChangeNothing(t *testing.T) {
	t.Parallel()
	s, from, to := shop(t)
	token := s.token(t, access.Restore, "*")
	good := url.Values{"snapshot": {from.ID.String()}, "key": {key(2)}}
	_, plan := s.send(t, "/databases/app/rows/plan?table=users", token, good)
	fields, run := fieldsOf(t, plan)
	fields.Set("name", "app")
	with := func(changes ...string) url.Values {
		changed := url.Values{}
		for name, values := range fields {
			changed[name] = values
		}
		for i := 0; i < len(changes); i += 2 {
			changed[changes[i]] = strings.Fields(changes[i+1])
		}
		return changed
	}
	for name, tt := range map[string]struct {
		path   string
		fields url.Values
		status int
	}{
		"OtherRow": {run, with("key", key(4)), 409}, "MoreRows": {run, with("key", key(2)+" "+key(4)), 409}, "OtherTable": {strings.Replace(run, "users", "orders", 1), with("key", key(12)), 409},
		"WholeTable": {run, with("whole", "1"), 409}, "OtherSnapshot": {run, with("snapshot", to.ID.String()), 404}, "Children": {run, with("children", "1"), 409},
		"Triggers": {run, with("triggers", "1"), 409}, "Selected": {run, with("selected", "removed", "other", to.ID.String()), 409}, "SelectedAdded": {run, with("selected", "added"), 400},
		"NoFingerprint": {run, with("fingerprint", ""), 409}, "OtherFingerprint": {run, with("fingerprint", strings.Repeat("0", 64)), 409},
		"OtherEnvironment": {strings.Replace(run, "/app/", "/other/", 1), with("name", "other"), 500}, "NoEnvironment": {strings.Replace(run, "/app/", "/none/", 1), with(), 404},
		"NoRows": {run, with("key", ""), 400}, "Garbage": {run, with("key", "%%%"), 400}, "Mode": {run, with("mode", "drop"), 400}, "NoSnapshot": {run, with("snapshot", strings.Repeat("f", 64)), 404},
		"SQLForTable": {"/databases/app/rows/restore?table=" + url.QueryEscape(`users"; DROP TABLE users; --`), with(), 404}, "SQLForBy": {run, with("row", key(4), "by", `id)OR(1`), 409},
		"View": {"/databases/app/rows/plan?table=seen", with("whole", "1"), 422}, "Virtual": {"/databases/app/rows/plan?table=words", with("whole", "1"), 422},
		"Shadow": {"/databases/app/rows/plan?table=words_content", with("whole", "1"), 422},
	} {
		answer, body := s.send(t, tt.path, token, tt.fields)
		want(t, name, answer, body, tt.status)
	}
	read, hidden := s.token(t, access.Read, "*"), s.token(t, access.Restore, "oth*")
	answer, body := s.send(t, run, read, fields)
	want(t, "a token that reads", answer, body, http.StatusForbidden)
	answer, body = s.send(t, run, hidden, fields)
	want(t, "a token for another environment", answer, body, http.StatusNotFound)
	cookie := s.signIn(t, s.server.Link())
	answer, body = s.do(t, http.MethodPost, run, fields.Encode(), "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://evil.example")
	want(t, "a form of another site", answer, body, http.StatusForbidden)
	if got := users(t, s.Fixture); got != afterwards {
		t.Fatalf("got %s", got)
	}
	s.Exec(t, "INSERT INTO users VALUES (2, 'somebody else')") // between the plan and the click
	answer, body = s.send(t, run, token, fields)
	want(t, "a row that is there again", answer, body, http.StatusConflict)
	has(t, "a row that is there again", body, "the plan is another one now", "somebody else")
	if log, err := os.ReadFile(s.Path("serve/audit.jsonl")); err != nil || len(log) != 0 {
		t.Errorf("log: got %s, %v", log, err)
	}
}

// TestRowsByProgram plans and runs a restore of rows, and asks for histories, as a program does.
func TestRowsByProgram(t *testing.T) {
	t.Parallel()
	s, from, to := shop(t)
	token, read := s.token(t, access.Restore, "*"), s.token(t, access.Read, "*")
	const path = "/api/v1/databases/app/rows/restore"
	answer, body := s.post(t, "/api/v1/databases/app/find", read, `{"sql":"SELECT count(*) > 0 FROM users WHERE id = 9","until":"`+to.ID.String()+`"}`)
	want(t, "find", answer, body, http.StatusOK)
	if found := decode[struct {
		First, Before struct{ Snapshot struct{ ID string } }
	}](t, body); found.First.Snapshot.ID != to.ID.String() || found.Before.Snapshot.ID != from.ID.String() {
		t.Errorf("find: got %s", body)
	}
	order := `{"snapshot":"` + from.ID.String() + `","table":"users","where":"id IN (2, 4)","with_children":true`
	answer, body = s.post(t, path, token, order+"}")
	want(t, "plan", answer, body, http.StatusOK)
	plan := decode[struct {
		Fingerprint, SQL string
		DryRun           bool `json:"dry_run"`
		Tables           []struct{ Inserted int }
		Rows             []struct{ Change string }
	}](t, body)
	if !plan.DryRun || len(plan.Rows) != 4 || plan.Tables[0].Inserted != 2 || !strings.Contains(plan.SQL, "'a ship'") {
		t.Fatalf("plan: got %s", body)
	}
	answer, body = s.post(t, path, token, order+`,"fingerprint":"0"}`)
	want(t, "another plan", answer, body, http.StatusConflict)
	answer, body = s.post(t, path, read, order+"}")
	want(t, "a token that reads", answer, body, http.StatusForbidden)
	answer, body = s.post(t, path, token, order+`,"fingerprint":"`+plan.Fingerprint+`"}`)
	want(t, "run", answer, body, http.StatusOK)
	if got := users(t, s.Fixture); got != "1 Ada L. 0, 2 Grace 2, 3 Edsger 1, 4 Alan 0, 9 new 0" || !strings.Contains(body, `"pre_restore_id":"`) {
		t.Errorf("got %s: %s", got, body)
	}
	for name, tt := range map[string]struct {
		order  string
		status int
	}{
		"Write": {`"table":"users","where":"id IN (DELETE FROM users)"`, 400}, "Statement": {`"table":"users","where":"1; DROP TABLE users"`, 400},
		"Both": {`"table":"users","where":"1","keys":["` + key(1) + `"]`, 400}, "NoTable": {`"table":""`, 400}, "Unknown": {`"table":"users","whole":true`, 400},
		"Computed": {`"table":"sums","mode":"upsert"`, 200},
	} {
		answer, body := s.post(t, path, token, `{"snapshot":"`+from.ID.String()+`",`+tt.order+`}`)
		want(t, name, answer, body, tt.status)
	}
	answer, body = s.get(t, "/api/v1/databases/app/history?table=users&key=1", read)
	want(t, "history of a row", answer, body, http.StatusOK)
	has(t, "history of a row", body, `"change":"changed"`, `"before":{"name":"'Ada'"},"after":{"name":"'Ada L.'"}`, `"message_type":"summary","table":"users","key":"1"`)
	answer, body = s.get(t, "/api/v1/databases/app/history?table=users&until="+to.ID.String(), read)
	want(t, "history of a table", answer, body, http.StatusOK)
	has(t, "history of a table", body, `"added":1,"removed":2,"changed":1`)
	for sql, status := range map[string]int{"SELECT 0": 404, "DELETE FROM users": 400, "SELECT name FROM users": 400, "nonsense": 400} {
		answer, body := s.post(t, "/api/v1/databases/app/find", read, `{"sql":"`+sql+`"}`)
		want(t, sql, answer, body, status)
	}
}

// TestLockedDatabaseIsAnAnswer runs a plan while another program writes.
func TestLockedDatabaseIsAnAnswer(t *testing.T) {
	t.Parallel()
	s, from, _ := shop(t)
	token := s.token(t, access.Restore, "*")
	_, plan := s.send(t, "/databases/app/rows/plan?table=users", token, url.Values{"snapshot": {from.ID.String()}, "key": {key(2)}})
	fields, run := fieldsOf(t, plan)
	fields.Set("name", "app")
	db := dbtest.Open(t, s.Path("app.db"))
	defer db.Close()
	db.SetMaxOpenConns(1)
	dbtest.Exec(t, db, "PRAGMA journal_mode = WAL")
	dbtest.Exec(t, db, "BEGIN IMMEDIATE")
	j := s.finish(t, run, token, fields)
	dbtest.Exec(t, db, "ROLLBACK")
	has(t, "locked", j.State+" "+j.Error, "failed", "locked")
	if got := users(t, s.Fixture); got != afterwards {
		t.Errorf("got %s", got)
	}
}

// TestForgottenMeanwhile follows links and sends forms of pages whose snapshot is forgotten by now.
func TestForgottenMeanwhile(t *testing.T) {
	t.Parallel()
	s, from, to := shop(t)
	token := s.token(t, access.Restore, "*")
	_, row := s.follow(t, "/snapshots/"+from.ID.String()+"/row?table=users&key="+key(1), token)
	has(t, "row", row, ">Ada<", ">Ada L.<")
	_, plan := s.send(t, "/databases/app/rows/plan?table=users", token, url.Values{"snapshot": {from.ID.String()}, "key": {key(2)}})
	fields, run := fieldsOf(t, plan)
	fields.Set("name", "app")
	if err := s.Repo.Forget(t.Context(), from.ID); err != nil {
		t.Fatal(err)
	}
	s = start(t, s.Fixture, limits) // the list of the first server is a second old at most, but its clock stands still
	answer, body := s.send(t, run, token, fields)
	want(t, "the form", answer, body, http.StatusNotFound)
	answer, body = s.send(t, "/databases/app/rows/plan?table=users", token, url.Values{"snapshot": {from.ID.String()}, "other": {to.ID.String()}, "selected": {"removed"}})
	want(t, "the comparison's form", answer, body, http.StatusNotFound)
	_, row = s.follow(t, "/databases/app/row?table=users&key="+key(1)+"&at="+from.ID.String(), token)
	has(t, "row", row, "not there any more", ">Ada L.<")
	if got := users(t, s.Fixture); got != afterwards {
		t.Errorf("got %s", got)
	}
}
