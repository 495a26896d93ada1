package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/web"
)

// ask sends SQL for the newest snapshot.
func (s *stand) ask(t *testing.T, token, sql string) (*http.Response, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		t.Fatal(err)
	}
	return s.post(t, "/api/v1/snapshots/latest:app/query", token, string(body))
}

func TestQueriesOnlyRead(t *testing.T) {
	t.Parallel()
	s := small(t, "INSERT INTO t VALUES (1), ('<b>'), (x'00ff'), (NULL), (9e999)")
	token := s.token(t, access.Read, "*")
	answer, body := s.ask(t, token, "SELECT a FROM t LIMIT 5")
	want(t, "query", answer, body, http.StatusOK)
	if want := "[\n{\"a\":1},\n{\"a\":\"<b>\"},\n{\"a\":\"00ff\"},\n{\"a\":null},\n{\"a\":1e999}\n]\n"; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	for _, sql := range []string{
		"DELETE FROM t", "INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TEMP TABLE u(a)", "ATTACH '" + s.Path("app.db") + "' AS u", "ATTACH ':memory:' AS u",
		"VACUUM INTO '" + s.Path("stolen.db") + "'", "PRAGMA journal_mode = wal", "PRAGMA temp_store_directory = '/tmp'", "SELECT load_extension('x')",
		"SELECT writefile('" + s.Path("stolen") + "', a) FROM t", "SELECT readfile('/etc/passwd')", "BEGIN", "SELECT 1; SELECT 2", "", "SELECT '\x00'", "nonsense",
		"SELECT zeroblob(1000000000)", "SELECT printf('%.*c', 1000000000, 'x')",
	} {
		answer, body := s.ask(t, token, sql)
		want(t, sql, answer, body, http.StatusBadRequest)
		if kind := answer.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s: got an answer of the type %s", sql, kind)
		}
	}
	p := decode[web.Problem](t, second(s.ask(t, token, "nonsense")))
	if p.Status != 400 || p.Code != 2 || p.Type != "about:blank" || !strings.Contains(p.Detail, "nonsense") {
		t.Errorf("problem: got %+v", p)
	}
}

// second returns the text of an answer.
func second(_ *http.Response, body string) string { return body }

func TestQueriesEnd(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, web.Limits{QueryTime: time.Second, QueryRows: 100, QueryBytes: 10_000, Queries: 2})
	token := s.token(t, access.Read, "*")
	const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT "
	for name, tt := range map[string]struct {
		sql    string
		status int
	}{
		"Endless": {endless + "count(*) FROM c", 503}, "ManyRows": {endless + "x FROM c LIMIT 200", 413}, "ManyBytes": {endless + "zeroblob(5000) FROM c LIMIT 50", 413},
		"JustEnough": {endless + "x FROM c LIMIT 100", 200},
	} {
		answer, body := s.ask(t, token, tt.sql)
		want(t, name, answer, body, tt.status)
	}
	answer, body := s.ask(t, token, "SELECT 1")
	want(t, "after these", answer, body, http.StatusOK) // their turns are free again
}

func TestRowsAreLeafedThrough(t *testing.T) {
	t.Parallel()
	s := small(t, "CREATE TABLE n(a INTEGER PRIMARY KEY, b)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 250) INSERT INTO main.n SELECT i, i * 2 FROM n")
	token := s.token(t, access.Read, "*")
	next, last := "", 0
	for pages := 1; ; pages++ {
		answer, body := s.get(t, "/api/v1/snapshots/latest:app/rows?table=n&limit=100&after="+next, token)
		want(t, "page", answer, body, http.StatusOK)
		p := decode[struct {
			Rows [][]int
			Next string
		}](t, body)
		for _, row := range p.Rows {
			if last++; row[0] != last || row[1] != 2*last {
				t.Fatalf("got %v, want row %d", row, last)
			}
		}
		if next = p.Next; next == "" {
			if last != 250 || pages != 3 {
				t.Errorf("got %d rows in %d pages, want 250 in 3", last, pages)
			}
			break
		}
	}
	for _, query := range []string{"table=n&limit=1001", "table=n&limit=x", "table=n&after=%21", "table=n&columns=-1"} {
		answer, body := s.get(t, "/api/v1/snapshots/latest:app/rows?"+query, token)
		want(t, query, answer, body, http.StatusBadRequest)
	}
	answer, body := s.get(t, "/api/v1/snapshots/latest:app/rows?table=none", token)
	want(t, "no table", answer, body, http.StatusNotFound)
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Exec(t, "CREATE TABLE n(a INTEGER PRIMARY KEY, b)", "INSERT INTO n VALUES (1, 'one'), (2, '<two>')")
	before := f.BackUp(t, 1, time.Minute)[0]
	f.Exec(t, "UPDATE n SET b = 'ONE' WHERE a = 1", "DELETE FROM n WHERE a = 2", "INSERT INTO n VALUES (3, 'three')")
	after := f.BackUp(t, 1, time.Minute)[0]
	s := start(t, f, limits)
	token := s.token(t, access.Read, "*")
	path := "/api/v1/snapshots/" + before.ID.String() + "/diff/" + after.ID.String()
	answer, body := s.get(t, path, token)
	want(t, "counts", answer, body, http.StatusOK)
	if want := `{"table":"n","added":1,"removed":1,"changed":1}`; !strings.Contains(body, want) {
		t.Errorf("got %s, want %s in it", body, want)
	}
	answer, body = s.get(t, path+"?table=n", token)
	want(t, "rows", answer, body, http.StatusOK)
	if want := `"before":{"b":"'one'"},"after":{"b":"'ONE'"}`; !strings.Contains(body, want) {
		t.Errorf("got %s, want %s in it", body, want)
	}
	answer, body = s.get(t, fmt.Sprintf("/diff?from=%s&to=%s&table=n", before.ID, after.ID), token)
	want(t, "page", answer, body, http.StatusOK)
	for _, want := range []string{`<del class="text">one</del>`, `<ins class="text">ONE</ins>`, "&lt;two&gt;", ">removed<", ">added<"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	answer, body = s.get(t, path+"?table=none", token)
	want(t, "no table", answer, body, http.StatusNotFound)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := small(t)
	answer, body := s.get(t, "/metrics", s.token(t, access.Status, "*"))
	want(t, "metrics", answer, body, http.StatusOK)
	for _, want := range []string{
		`firn_snapshot_time_seconds{environment="app",database="app"} ` + fmt.Sprint(s.Clock.Unix()), `firn_snapshot_sound{environment="app",database="app"} 1`,
		"# TYPE firn_snapshot_size_bytes gauge",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s, want %s in it", body, want)
		}
	}
	answer, body = s.do(t, http.MethodGet, "/healthz", "")
	want(t, "health", answer, body, http.StatusOK)
	if body != "alive\n" {
		t.Errorf("health: got %q", body)
	}
}
