package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/web"
)

// record has the server's handler answer a request without a connection.
func record(server *web.Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	server.Handler().ServeHTTP(w, r)
	return w
}

func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; DROP TABLE t; --`, "\x1b[31mred\x07", "a\u202eb", `{{.Path}}`, `javascript:alert(1)`,
		"../../x", "\xff\xfe", "a\r\nb", "&lt;b&gt;", "?table=t&limit=1#x",
	}
	var statements []string
	for _, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		value := "'" + strings.ReplaceAll(name, "'", "''") + "'"
		statements = append(statements, "CREATE TABLE "+quoted+"("+quoted+")", "INSERT INTO "+quoted+" VALUES ("+value+")")
	}
	s := small(t, statements...)
	token := s.token(t, access.Admin, "*")
	paths := []string{"/snapshots/latest:app", "/snapshots/latest:app/schema"}
	for _, name := range names {
		paths = append(paths, "/snapshots/latest:app/table?"+url.Values{"table": {name}}.Encode())
	}
	bodies := map[string]string{}
	for _, path := range paths {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body, http.StatusOK)
		bodies[path] = body
	}
	for _, name := range names {
		form := url.Values{"sql": {"SELECT '" + strings.ReplaceAll(name, "'", "''") + "' AS \"" + strings.ReplaceAll(name, `"`, `""`) + `"`}}
		answer, body := s.do(t, http.MethodPost, "/snapshots/latest:app/query", form.Encode(), append(bearer(token), "Content-Type", "application/x-www-form-urlencoded")...)
		want(t, "query "+name, answer, body, http.StatusOK)
		bodies["query "+name] = body
		bodies["missing "+name] = second(s.get(t, "/snapshots/latest:app/table?"+url.Values{"table": {name + "x"}}.Encode(), token))
	}
	for path, body := range bodies {
		for _, bad := range []string{"<script>alert", "<img", "\x1b", "\x07", "\u202e", `href="javascript`, "<b>"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if !utf8.ValidString(body) {
			t.Errorf("%s is no UTF-8", path)
		}
	}
	if !strings.Contains(bodies["/snapshots/latest:app"], "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the list of tables lacks a name")
	}
}

func TestPagesOfLargeSchemas(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the race detector makes large answers slow")
	}
	var columns []string
	for i := range 2000 {
		columns = append(columns, fmt.Sprintf("c%d", i))
	}
	statements := []string{"CREATE TABLE wide(" + strings.Join(columns, ",") + ")", "INSERT INTO wide(c0, c1999) VALUES (1, 2)"}
	var tables strings.Builder
	tables.WriteString("BEGIN;")
	for i := range 10_000 {
		fmt.Fprintf(&tables, "CREATE TABLE t%d(a);", i)
	}
	s := small(t, append(statements, tables.String()+"COMMIT")...)
	token := s.token(t, access.Read, "*")
	for path, wanted := range map[string]string{
		"/snapshots/latest:app": "?skip=500", "/snapshots/latest:app?skip=10000": ">wide<", "/snapshots/latest:app/table?table=wide": "Columns 0 to 60 of 2000",
		"/snapshots/latest:app/table?table=wide&from=1940": ">c1999<", "/snapshots/latest:app/schema": "more definitions",
		"/snapshots/latest:app/table?table=wide&columns=500": ">c499<", "/snapshots/latest:app/table?table=wide&sort=c1999&from=1940": "ascending",
		"/snapshots/latest:app/table?table=wide&columns=500&search=1": ">c499<",
		"/databases/app/row?table=wide&by=rowid&key=" + key(1):        "1800 more columns", "/databases/app/history?table=t9999": "Nothing happened",
	} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, "", http.StatusOK)
		if !strings.Contains(body, wanted) || len(body) > 2<<20 {
			t.Errorf("%s: got %d bytes, want %q in them", path, len(body), wanted)
		}
	}
	s.Exec(t, "DELETE FROM wide")
	answer, body := s.send(t, "/databases/app/rows/plan?table=wide", s.token(t, access.Restore, "*"), url.Values{"snapshot": {"latest:app"}, "key": {key(1)}})
	want(t, "plan of a row that is too wide", answer, body, http.StatusUnprocessableEntity)
	has(t, "plan of a row that is too wide", body, "too many columns", "Restore the whole database")
}

func TestHomeSaysWhatIsTrue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		more  string
		later time.Duration
		want  string
	}{
		"Good":  {"", 7 * time.Second, "The database is protected; its newest copy is 7 s old."},
		"Stale": {"max_age = \"1h\"\n", 2 * time.Hour, "1 of 1 database needs attention: app has no copy that is young enough."},
	} {
		f := sessiontest.New(t, tt.more)
		f.BackUp(t, 2, time.Minute)
		f.Clock = f.Clock.Add(tt.later)
		s := start(t, f, limits)
		_, body := s.get(t, "/", s.token(t, access.Status, "*"))
		if !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %s, want %q in it", name, body, tt.want)
		}
	}
}

func TestDatabasePageHasEachCopy(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 5, 24*time.Hour)
	s := start(t, f, limits)
	_, body := s.get(t, "/databases/app", s.token(t, access.Read, "*"))
	for i, snap := range taken {
		if strings.Count(body, `href="/snapshots/`+snap.ID.String()+`"`) < 2 { // in the picture and in the table
			t.Errorf("copy %d is missing", i)
		}
	}
	if got := strings.Count(body, `class="mark copy"`); got != 6 { // with that of the legend
		t.Errorf("marks: got %d, want 6", got)
	}
	answer, body := s.get(t, "/databases/app?skip=3", s.token(t, access.Status, "*"))
	want(t, "older copies", answer, body, http.StatusOK)
	if strings.Contains(body, taken[4].ID.Short()+"</td>") || !strings.Contains(body, taken[0].ID.Short()+"</td>") || strings.Contains(body, ">compare<") {
		t.Errorf("older copies for a token of the status: got %s", body)
	}
}

func TestQueryPage(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Read, "*")
	form := append(bearer(token), "Content-Type", "application/x-www-form-urlencoded")
	answer, body := s.do(t, http.MethodPost, "/snapshots/latest:app/query", url.Values{"sql": {"nonsense"}}.Encode(), form...)
	want(t, "wrong SQL", answer, body, http.StatusBadRequest)
	if !strings.Contains(body, "nonsense</textarea>") || !strings.Contains(body, `role="alert"`) {
		t.Errorf("wrong SQL: got %s", body)
	}
	answer, body = s.do(t, http.MethodPost, "/snapshots/latest:app/query", url.Values{"sql": {"SELECT 1 AS a, '' AS b, NULL AS c"}, "format": {"csv"}}.Encode(), form...)
	if want(t, "CSV", answer, body, http.StatusOK); body != "a,b,c\r\n1,\"\",\r\n" || !strings.HasSuffix(answer.Header.Get("Content-Disposition"), ".csv") {
		t.Errorf("CSV: got %q, %v", body, answer.Header)
	}
	answer, body = s.do(t, http.MethodPost, "/snapshots/latest:app/query", url.Values{"sql": {"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"}}.Encode(), form...)
	if want(t, "many rows", answer, "", http.StatusOK); !strings.Contains(body, "these are the first 1000") {
		t.Errorf("many rows: got %d bytes", len(body))
	}
}
