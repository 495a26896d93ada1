package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/backup"
	"firn/internal/sessiontest"
	"firn/snapshot"
	"firn/sqlite/browse"
	"firn/web"
)

// follow asks for a page by a link of another page, and goes where that leads.
func (s *stand) follow(t *testing.T, link, token string) (path, body string) {
	t.Helper()
	for range 3 {
		answer, body := s.get(t, link, token)
		if answer.StatusCode != http.StatusSeeOther {
			want(t, link, answer, body, http.StatusOK)
			return link, body
		}
		link = answer.Header.Get("Location")
	}
	t.Fatalf("%s leads round and round", link)
	return "", ""
}

// linkOf returns the first link of a page that begins with something.
func linkOf(t *testing.T, body, begin string) string {
	t.Helper()
	found := regexp.MustCompile(`href="(` + regexp.QuoteMeta(begin) + `[^"]*)"`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("there is no link %s in %.2000s", begin, body)
	}
	return html.UnescapeString(found[1])
}

// has fails the test if a page lacks something.
func has(t *testing.T, what, body string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %q: %.4000s", what, want, body)
		}
	}
}

// take takes a snapshot a minute later. That much is gone is no reason not to.
func take(t *testing.T, f *sessiontest.Fixture, statements ...string) *snapshot.Snapshot {
	t.Helper()
	f.Exec(t, statements...)
	f.Clock = f.Clock.Add(time.Minute)
	job, err := backup.NewJob(f.Conf, f.Conf.Env["app"], backup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := backup.NewRun(f.Session, backup.RunOptions{}).BackUp(t.Context(), job)
	if result == nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

// TestRowHistory goes from a row of a table through its history, in which the table changes, goes and comes back.
func TestRowHistory(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	first := take(t, f, "CREATE TABLE users(id TEXT PRIMARY KEY, name)", "INSERT INTO users VALUES ('k1', 'Ada'), ('k2', '<b>Grace</b>')")
	take(t, f, "ALTER TABLE users ADD COLUMN born INTEGER DEFAULT 1815", "UPDATE users SET name = 'Ada L.' WHERE id = 'k1'")
	take(t, f, "DROP TABLE users")
	last := take(t, f, "CREATE TABLE users(id TEXT PRIMARY KEY, name)", "INSERT INTO users(rowid, id, name) VALUES (1, 'k1', 'Ada K.'), (7, 'k3', 'Edsger')")
	s := start(t, f, limits)
	token := s.token(t, access.Read, "*")
	_, table := s.follow(t, "/snapshots/"+first.ID.String()+"/table?table=users", token)
	path, row := s.follow(t, linkOf(t, table, "/snapshots/"+first.ID.String()+"/row?"), token)
	if strings.Contains(path, first.ID.String()+"/row") || !strings.Contains(path, "/databases/app/row?") {
		t.Errorf("the history is at %s, which dies with a snapshot", path)
	}
	has(t, "row", row, ">Ada<", ">Ada K.<", `<del class="text">Ada</del> <ins class="text">Ada L.</ins>`, ">born<", ">present<", ">changed<", ">removed<", ">added<", "no such table")
	if strings.Contains(row, "Bring this version") {
		t.Error("a token that cannot restore gets a button")
	}
	_, gone := s.follow(t, strings.ReplaceAll(path, first.ID.String(), strings.Repeat("f", 64)), token)
	has(t, "row of a snapshot that was forgotten", gone, "not there any more", ">Ada K.<")
	_, history := s.follow(t, linkOf(t, table, "/databases/app/history?"), token)
	has(t, "history of the table", history, ">+2<", "&minus;2<", "new columns: born", "made", "dropped", "/diff?from=")
	_, since := s.follow(t, linkOf(t, table, "/diff?from="+first.ID.String()+"&amp;table=users&amp;to="+last.ID.String()), token)
	has(t, "what has changed since", since, ">changed<", ">removed<", ">added<", "&lt;b&gt;Grace&lt;/b&gt;")
	_, of := s.follow(t, linkOf(t, since, "/snapshots/"+first.ID.String()+"/row?"), token)
	has(t, "row that was removed", of, "k2", "does not have this row", ">removed<")
}

// TestHistoryComesInParts leafs through a history that is too long for a page.
func TestHistoryComesInParts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes many snapshots")
	}
	f := sessiontest.New(t, "")
	const snapshots = 206
	take(t, f, "CREATE TABLE n(a INTEGER PRIMARY KEY)")
	for i := range snapshots {
		take(t, f, fmt.Sprintf("INSERT INTO n VALUES (%d)", i))
	}
	s := start(t, f, limits)
	token := s.token(t, access.Read, "*")
	path, events, parts := "/databases/app/history?name=app&table=n", 0, 0
	for ; path != ""; parts++ {
		_, body := s.follow(t, path, token)
		events += strings.Count(body, "<ins>+1</ins>")
		path = ""
		if strings.Contains(body, "Older history") {
			path = "/databases/app/history" + linkOf(t, body, "?")
		}
	}
	if events != snapshots || parts != 2 {
		t.Errorf("got %d events in %d parts, want %d in 2", events, parts, snapshots)
	}
}

// TestRowsOfAllKinds follows the links of rows whose keys no text can hold, and of what has no rows of its own.
func TestRowsOfAllKinds(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	wide := "CREATE TABLE wide(id INTEGER PRIMARY KEY"
	for i := range 1999 {
		wide += fmt.Sprintf(", c%d DEFAULT %d", i, i)
	}
	snap := take(t, f,
		"CREATE TABLE composite(a, b BLOB, c TEXT, v, PRIMARY KEY (c, b, a)) WITHOUT ROWID",
		"INSERT INTO composite VALUES (1.5, x'0000ff', CAST(x'6100ff22' AS TEXT), 'found')",
		"CREATE TABLE nullable(a TEXT PRIMARY KEY, v)", "INSERT INTO nullable VALUES (NULL, 'no value')",
		"CREATE TABLE plain(rowid, v)", "INSERT INTO plain VALUES ('taken', 'by another name')",
		"CREATE TABLE computed(id INTEGER PRIMARY KEY, a, b AS (a * 2), c AS (a + 1) STORED)", "INSERT INTO computed(id, a) VALUES (1, 21)",
		"CREATE VIRTUAL TABLE words USING fts5(w)", "INSERT INTO words VALUES ('one')", wide+")", "INSERT INTO wide(id) VALUES (7)",
		"CREATE VIEW seen AS SELECT v FROM plain", "CREATE TABLE hidden(rowid, _rowid_, oid)", "INSERT INTO hidden VALUES (1, 2, 3)",
		"CREATE TABLE long(k TEXT PRIMARY KEY)", "INSERT INTO long VALUES (printf('%.20000c', 'k'))",
	)
	s := start(t, f, limits)
	token := s.token(t, access.Read, "*")
	page := func(table string) string {
		_, body := s.follow(t, "/snapshots/"+snap.ID.String()+"/table?"+url.Values{"table": {table}}.Encode(), token)
		return body
	}
	for table, wanted := range map[string]string{
		"composite": "found", "nullable": "goes by its rowid", "plain": "by another name", "computed": ">42<", "words": ">one<", "wide": "1800 more columns",
		"words_content": ">one<",
	} {
		_, row := s.follow(t, linkOf(t, page(table), "/snapshots/"+snap.ID.String()+"/row?"), token)
		if table == "computed" { // what is computed when it is read is not stored, and has no history
			wanted = ">22<"
		}
		has(t, table, row, wanted, ">present<")
	}
	for _, table := range []string{"seen", "hidden"} {
		body := page(table)
		if has(t, table, body, "They have no history."); strings.Contains(body, "/row?") || strings.Contains(body, "/history?") {
			t.Errorf("%s has links to histories", table)
		}
		answer, body := s.get(t, "/snapshots/latest:app/row?table="+table+"&key="+browse.EncodeKey([]any{int64(1)}), token)
		want(t, table, answer, body, http.StatusUnprocessableEntity)
		has(t, table, body, "its rows have no key")
	}
	answer, body := s.get(t, linkOf(t, page("long"), "/snapshots/"+snap.ID.String()+"/row?"), token)
	want(t, "a long key", answer, body, http.StatusUnprocessableEntity)
	for name, tt := range map[string]struct {
		path   string
		status int
	}{
		"NoKey": {"/snapshots/latest:app/row?table=plain", 400}, "OtherRow": {"/snapshots/latest:app/row?table=plain&key=" + browse.EncodeKey([]any{int64(99)}), 404},
		"NoTable": {"/databases/app/row?table=none&key=" + browse.EncodeKey([]any{int64(1)}), 404}, "Garbage": {"/databases/app/row?table=plain&key=%00%ff", 400},
		"NoView": {"/databases/app/row?table=seen&key=" + browse.EncodeKey([]any{int64(1)}), 404}, "TwoValues": {"/databases/app/row?table=plain&key=" + browse.EncodeKey([]any{"a", "b"}), 400},
		"By":            {"/databases/app/row?table=nullable&by=" + url.QueryEscape(`a" OR 1 --`) + "&key=" + browse.EncodeKey([]any{"a"}), 400},
		"NoEnvironment": {"/databases/none/row?table=plain&key=" + browse.EncodeKey([]any{int64(1)}), 404}, "Until": {"/databases/app/history?table=plain&until=tomorrow", 400},
		"OtherUntil": {"/databases/app/history?table=plain&until=ffffffff", 404}, "Virtual": {"/databases/app/history?table=words", 422},
	} {
		answer, body := s.get(t, tt.path, token)
		want(t, name, answer, body, tt.status)
	}
}

// TestHostileNamesOfRows goes through all pages about rows of tables with hostile names.
func TestHostileNamesOfRows(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	names := []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; DROP TABLE t; --`, "\x1b[31mred", "a\u202eb", "\xff\xfe", "a\r\nb", "?table=t&x=1#y", "{{.Table}}", "a%00b"}
	var before, after []string
	for _, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		value := "'" + strings.ReplaceAll(name, "'", "''") + "'"
		before = append(before, "CREATE TABLE "+quoted+"("+quoted+" PRIMARY KEY, v)", "INSERT INTO "+quoted+" VALUES ("+value+", "+value+")")
		after = append(after, "DELETE FROM "+quoted)
	}
	from, to := take(t, f, before...), take(t, f, after...)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	var pages []string
	for _, name := range names {
		_, table := s.follow(t, "/snapshots/"+from.ID.String()+"/table?"+url.Values{"table": {name}}.Encode(), token)
		_, row := s.follow(t, linkOf(t, table, "/snapshots/"+from.ID.String()+"/row?"), token)
		_, past := s.follow(t, linkOf(t, table, "/databases/app/history?"), token)
		_, sorted := s.follow(t, "/snapshots/"+from.ID.String()+"/table"+linkOf(t, table, "?sort="), token)
		form := regexp.MustCompile(`name="form" value="([^"]*)"`).FindStringSubmatch(table)[1]
		column := regexp.MustCompile(`<option value="([\w-]+)">`).FindStringSubmatch(table)[1]
		_, found := s.follow(t, "/snapshots/"+from.ID.String()+"/table?"+url.Values{"form": {form}, "in": {column}, "op": {"is not null"}, "search": {""}}.Encode(), token)
		has(t, "found "+name, found, "history</a>")
		_, differing := s.follow(t, "/diff?"+url.Values{"from": {from.ID.String()}, "to": {to.ID.String()}, "table": {name}}.Encode(), token)
		key := regexp.MustCompile(`name="key" value="([^"]*)"`).FindStringSubmatch(differing)
		if key == nil {
			t.Fatalf("%q: no row can be brought back in %.3000s", name, differing)
		}
		action := regexp.MustCompile(`<form method="post" action="(/databases/app/rows/plan[^"]*)"`).FindStringSubmatch(differing)
		answer, plan := s.send(t, html.UnescapeString(action[1]), token, url.Values{"snapshot": {from.ID.String()}, "key": {key[1]}})
		want(t, "plan of "+name, answer, plan, http.StatusOK)
		has(t, "plan of "+name, plan, "comes back")
		pages = append(pages, table, row, past, sorted, found, differing, plan)
	}
	for _, body := range pages {
		for _, bad := range []string{"<script>alert", "<img", "\x1b", "\u202e", "<b>"} {
			if strings.Contains(body, bad) {
				t.Errorf("a page has %q: %.2000s", bad, body)
			}
		}
	}
}

// TestSortAndSearch uses the form of a table, and downloads what it finds.
func TestSortAndSearch(t *testing.T) {
	t.Parallel()
	s := small(t, "CREATE TABLE n(a INTEGER PRIMARY KEY, b)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 250) INSERT INTO main.n SELECT i, 'row ' || (i % 7) FROM n",
		"CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c")
	token := s.token(t, access.Read, "*")
	const path = "/snapshots/latest:app/table?table=n"
	_, body := s.follow(t, path+"&sort=b&desc=1&search=ROW+3&column=a&op=%3E&value=100", token)
	has(t, "table", body, ">101<", `aria-sort="descending"`, "No index has this order", "All rows", `<option selected>&gt;</option>`, `value="ROW 3"`)
	if strings.Contains(body, ">100<") || strings.Contains(body, ">102<") {
		t.Error("the table has rows that do not match")
	}
	answer, csv := s.get(t, path+"&sort=a&desc=1&search=row+3&format=csv", token)
	want(t, "csv", answer, csv, http.StatusOK)
	if want := "a,b\r\n248,row 3\r\n241,row 3\r\n"; !strings.HasPrefix(csv, want) || strings.Count(csv, "\n") != 37 {
		t.Errorf("got %.100s with %d lines, want %s", csv, strings.Count(csv, "\n"), want)
	}
	if got := answer.Header.Get("Content-Disposition"); !strings.Contains(got, "attachment") {
		t.Errorf("got %q, want an attachment", got)
	}
	answer, text := s.get(t, path+"&column=b&op=%3D&value=row+0&format=json", token)
	want(t, "json", answer, text, http.StatusOK)
	if got := decode[[]map[string]any](t, text); len(got) != 35 || got[0]["a"] != 7.0 {
		t.Errorf("got %d rows: %.100s", len(got), text)
	}
	answer, text = s.get(t, "/api/v1/snapshots/latest:app/rows?table=n&sort=b&desc=1&limit=2&search=6", token)
	want(t, "api", answer, text, http.StatusOK)
	has(t, "api", text, `[[244,"row 5"]`[:2], `"next":"`)
	for name, tt := range map[string]struct {
		query  string
		status int
	}{
		"NoColumn": {"table=n&sort=" + url.QueryEscape("b; DROP TABLE n"), 404}, "NoFilter": {"table=n&column=c&op=%3D&value=1", 404},
		"NoOp": {"table=n&column=a&op=LIKE&value=1", 400}, "Form": {"form=!", 400}, "BadForm": {"form=" + "JXo", 400}, "Format": {"table=n&format=xml", 400},
	} {
		answer, body := s.get(t, "/snapshots/latest:app/table?"+tt.query, token)
		want(t, name, answer, body, tt.status)
	}
}

// TestSearchesEnd asks for orders and texts that no time would be enough for.
func TestSearchesEnd(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	take(t, f, "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c", "CREATE TABLE n(a)", "INSERT INTO n VALUES (1)")
	s := start(t, f, web.Limits{QueryTime: time.Second, Queries: 4})
	token := s.token(t, access.Restore, "*")
	const endless = `(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c) > 0`
	for _, path := range []string{"/snapshots/latest:app/table?table=endless&sort=x", "/snapshots/latest:app/table?table=endless&search=no", "/snapshots/latest:app/table?table=endless&format=csv&search=no"} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body, http.StatusServiceUnavailable)
		has(t, path, body, "it took more than 1s")
	}
	for path, body := range map[string]string{
		"/api/v1/databases/app/find": `{"sql":"SELECT ` + endless + `"}`, "/api/v1/databases/app/rows/restore": `{"snapshot":"latest:app","table":"n","where":"` + endless + `"}`,
	} {
		answer, body := s.post(t, path, token, body)
		want(t, path, answer, body, http.StatusServiceUnavailable)
	}
}
