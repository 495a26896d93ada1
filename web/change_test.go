package web_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
)

// count returns the rows of the fixture's table.
func count(t *testing.T, f *sessiontest.Fixture) (n int) {
	t.Helper()
	db := dbtest.Open(t, f.Path("app.db"))
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRestoreRunsThePlanThatWasSeen(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Restore, "*")
	path := "/api/v1/databases/app/restore"
	s.Exec(t, "DELETE FROM t")
	answer, body := s.post(t, path, token, `{"snapshot":"latest:app"}`)
	want(t, "plan", answer, body, http.StatusOK)
	plan := decode[struct {
		Fingerprint string
		Saves       bool
		DryRun      bool `json:"dry_run"`
	}](t, body)
	if !plan.Saves || !plan.DryRun || len(plan.Fingerprint) != 64 || count(t, s.Fixture) != 0 {
		t.Fatalf("plan: got %s", body)
	}
	answer, body = s.post(t, path, token, `{"snapshot":"latest:app","fingerprint":"`+strings.Repeat("0", 64)+`"}`)
	want(t, "another plan", answer, body, http.StatusConflict)
	if got := count(t, s.Fixture); got != 0 {
		t.Fatalf("another plan was run: got %d rows", got)
	}
	s.Exec(t, "CREATE TABLE later(a)") // the application goes on
	answer, body = s.post(t, path, token, `{"snapshot":"latest:app","fingerprint":"`+plan.Fingerprint+`"}`)
	want(t, "restore", answer, body, http.StatusOK)
	if got := count(t, s.Fixture); got != 1 || !strings.Contains(body, `"pre_restore_id":"`) {
		t.Errorf("restored: got %d rows, want 1: %s", got, body)
	}
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if lines := strings.Split(strings.TrimSpace(string(log)), "\n"); err != nil || len(lines) != 2 || !strings.Contains(lines[0], `"who":"restore *","from":"127.0.0.1","what":"restore","environment":"app"`) {
		t.Errorf("log: got %s, %v", log, err)
	}
	for name, bad := range map[string]string{
		"NoSnapshot": `{"snapshot":"ffffffff"}`, "Target": `{"snapshot":"latest:app","target":"/etc/passwd"}`, "NoJSON": `{`, "Two": `{}{}`,
	} {
		answer, body := s.post(t, path, token, bad)
		if answer.StatusCode/100 != 4 {
			t.Errorf("%s: got %d: %s", name, answer.StatusCode, body)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	s.Exec(t, "INSERT INTO t VALUES (1)")
	answer, body := s.post(t, "/api/v1/databases/app/backup", token, "")
	want(t, "backup", answer, body, http.StatusOK)
	if _, list := s.get(t, "/api/v1/databases/app/snapshots", token); strings.Count(list, `"short_id"`) != 2 {
		t.Errorf("after the backup: got %s", list) // the lists of before are forgotten
	}
	answer, body = s.post(t, "/api/v1/snapshots/latest:app/verify", token, "")
	want(t, "verify", answer, body, http.StatusOK)
	if !strings.Contains(body, `"sound":true`) {
		t.Errorf("verify: got %s", body)
	}
	for _, pinned := range []string{"true", "false"} {
		answer, body = s.post(t, "/api/v1/snapshots/latest:app/pin", token, `{"pinned":`+pinned+`}`)
		want(t, "pin", answer, body, http.StatusOK)
		if !strings.Contains(body, `"pinned":`+pinned) {
			t.Errorf("pin: got %s", body)
		}
	}
	answer, body = s.post(t, "/api/v1/databases/other/backup", token, "")
	if answer.StatusCode != http.StatusInternalServerError || !strings.Contains(body, `"code":3`) {
		t.Errorf("backup of nothing: got %d: %s", answer.StatusCode, body)
	}
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if got := strings.Count(string(log), "\n"); err != nil || got != 10 || !strings.Contains(string(log), `"error":"back up other`) {
		t.Errorf("log: got %d lines, %v, want 10: %s", got, err, log)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := small(t)
	link := s.server.Link()
	answer, body := s.do(t, http.MethodGet, "/databases/app", "")
	want(t, "nobody", answer, body, http.StatusSeeOther)
	if got := answer.Header.Get("Location"); got != "/sign-in" {
		t.Errorf("nobody is sent to %q", got)
	}
	cookie := s.signIn(t, link)
	answer, body = s.do(t, http.MethodGet, "/databases/app", "", "Cookie", cookie)
	want(t, "signed in", answer, body, http.StatusOK)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	answer, body = s.do(t, http.MethodPost, "/sign-in", url.Values{"secret": {link}}.Encode(), form...)
	want(t, "the link again", answer, body, http.StatusUnauthorized)
	answer, body = s.do(t, http.MethodPost, "/sign-out", "", "Cookie", cookie)
	want(t, "sign out", answer, body, http.StatusSeeOther)
	answer, body = s.do(t, http.MethodGet, "/databases/app", "", "Cookie", cookie)
	want(t, "signed out", answer, body, http.StatusSeeOther)

	cookie = s.signIn(t, s.token(t, access.Status, "*"))
	answer, body = s.do(t, http.MethodGet, "/databases/app", "", "Cookie", cookie)
	want(t, "signed in with a token", answer, body, http.StatusOK)
	answer, body = s.do(t, http.MethodGet, "/snapshots/latest:app/table?table=t", "", "Cookie", cookie)
	want(t, "beyond the token", answer, body, http.StatusForbidden)
	if err := s.tokens.Remove(t.Context(), "status *"); err != nil {
		t.Fatal(err)
	}
	answer, body = s.do(t, http.MethodGet, "/databases/app", "", "Cookie", cookie)
	want(t, "after the token was removed", answer, body, http.StatusSeeOther)
}

func TestCookieIsForThisSiteAlone(t *testing.T) {
	t.Parallel()
	s := small(t)
	answer, _ := s.do(t, http.MethodPost, "/sign-in", "secret="+s.server.Link(), "Content-Type", "application/x-www-form-urlencoded")
	got := answer.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-firn=", "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=43200"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestLinksEnd(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	s := start(t, f, limits)
	link := s.server.Link()
	if err := s.end(); err != nil { // nothing else reads the clock then
		t.Fatal(err)
	}
	f.Clock = f.Clock.Add(10 * time.Minute)
	r := s.request(t, http.MethodPost, "/sign-in", "secret="+link, "Content-Type", "application/x-www-form-urlencoded")
	answer := record(s.server, r)
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("a link of ten minutes ago: got %d", answer.Code)
	}
}
