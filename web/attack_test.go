package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/access"
	"firn/internal/s3test"
	"firn/internal/sessiontest"
	"firn/session"
	"firn/store"
	"firn/store/s3"
	"firn/upkeep"
	"firn/web"
)

// TestGuessesOfTheSignInAreLimited guesses by the form, where no token is sent as a header.
func TestGuessesOfTheSignInAreLimited(t *testing.T) {
	t.Parallel()
	s := small(t)
	link := s.server.Link()
	for i := range 11 {
		answer, body := s.sendForm(t, "/sign-in", url.Values{"secret": {access.NewToken().Reveal()}})
		status := http.StatusUnauthorized
		if i == 10 {
			status = http.StatusTooManyRequests
		}
		want(t, "guess", answer, body, status)
	}
	answer, body := s.sendForm(t, "/sign-in", url.Values{"secret": {link}})
	want(t, "the link after ten guesses", answer, body, http.StatusTooManyRequests)
}

// TestSignInsEnd sets the clock on and back: a sign-in ends in time, and a clock that jumps locks nobody out and breaks no page.
func TestSignInsEnd(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, limits)
	cookie := s.signIn(t, s.server.Link())
	if err := s.end(); err != nil { // nothing else reads the clock then
		t.Fatal(err)
	}
	began := f.Clock
	for _, tt := range []struct {
		name   string
		at     time.Time
		status int
	}{
		{"Before", began.Add(12*time.Hour - time.Second), 200}, {"After", began.Add(12 * time.Hour), 303}, {"YearsLater", began.AddDate(50, 0, 0), 303},
		{"BackAgain", began.Add(time.Hour), 200}, {"YearsBefore", began.AddDate(-50, 0, 0), 200},
	} {
		f.Clock = tt.at
		for _, path := range []string{"/", "/databases/app"} {
			answer := record(s.server, s.request(t, http.MethodGet, path, "", "Cookie", cookie))
			if answer.Code != tt.status {
				t.Errorf("%s: %s: got %d, want %d: %.300s", tt.name, path, answer.Code, tt.status, answer.Body)
			}
		}
	}
	f.Clock = began.AddDate(-50, 0, 0)
	secret := "secret=" + s.server.Link()
	answer := record(s.server, s.request(t, http.MethodPost, "/sign-in", secret, "Content-Type", "application/x-www-form-urlencoded"))
	if answer.Code != http.StatusSeeOther {
		t.Errorf("a new link after the clock went back: got %d", answer.Code)
	}
}

// TestQueriesTakeTurns holds the only place of all queries with an endless one of one client, and the turn of that client.
func TestQueriesTakeTurns(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, web.Limits{QueryTime: 2 * time.Second, Queries: 2, Grace: time.Minute})
	first, other := s.token(t, access.Read, "*"), s.token(t, access.Restore, "*")
	const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
	got := make(chan int, 6)
	var all sync.WaitGroup
	for range 6 { // of which each has to wait for the one before
		all.Go(func() {
			answer, _ := s.ask(t, first, endless)
			got <- answer.StatusCode
		})
	}
	answer, body := s.ask(t, other, "SELECT 1") // the second place is free all the time
	want(t, "another client", answer, body, http.StatusOK)
	all.Wait()
	close(got)
	for status := range got {
		if status != http.StatusServiceUnavailable {
			t.Errorf("an endless query: got %d", status)
		}
	}
}

// TestUnreadRequestsAreNotRepeated sends what net/http answers by itself, without our headers: its answers must repeat nothing.
func TestUnreadRequestsAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := small(t)
	const script = "<script>alert(1)</script>"
	for name, request := range map[string]string{
		"Line": script + "\r\n\r\n", "Version": "GET /" + script + " HTTP/9.9\r\n\r\n", "Host": "GET / HTTP/1.1\r\nHost: " + script + "\r\n\r\n",
		"NoHost": "GET /" + script + " HTTP/1.1\r\n\r\n", "Header": "GET / HTTP/1.1\r\nHost: localhost\r\n" + script + "\r\n\r\n",
		"Encoding": "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + script + "\r\n\r\n",
		"Large":    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat(script, 2000) + "\r\n\r\n",
	} {
		c := s.dial(t)
		fmt.Fprint(c, request)
		text, err := io.ReadAll(c)
		if err != nil && !isReset(err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(text); !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 5") || strings.ContainsAny(got, "<>") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestRepositoryAway takes the repository away, and brings it back.
func TestRepositoryAway(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	paths := []string{"/", "/databases/app", "/snapshots/latest:app", "/access", "/api/v1/status", "/api/v1/snapshots", "/metrics"}
	if err := os.Rename(s.Path("repo"), s.Path("away")); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		answer, body := s.get(t, path, token)
		if answer.StatusCode < 500 && !strings.Contains(body, "repo") || strings.Contains(body, "goroutine") {
			t.Errorf("%s while the repository is away: got %d: %.500s", path, answer.StatusCode, body)
		}
	}
	answer, body := s.do(t, http.MethodGet, "/healthz", "")
	want(t, "health", answer, body, http.StatusOK)
	if err := os.Rename(s.Path("away"), s.Path("repo")); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		answer, body := s.get(t, path, token)
		want(t, path+" when it is back", answer, body, http.StatusOK)
	}
}

// TestRepositoryInABucket serves from a bucket, whose server fails in between.
func TestRepositoryInABucket(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes a server of buckets")
	}
	bucket := s3test.Start(t, s3test.Options{})
	proxy := s3test.StartProxy(t, bucket)
	f := sessiontest.New(t, "")
	f.Write(t, "firn.toml", fmt.Sprintf("repository = %q\nkey_file = \"bucket.key\"\n[s3]\naccess_key_file = \"access\"\nsecret_key_file = \"secret\"\n[env.app]\ndatabase = \"app.db\"\n",
		proxy.Location("served")))
	f.Write(t, "access", bucket.AccessKey)
	f.Write(t, "secret", bucket.SecretKey)
	program := f.Program()
	program.Kinds = []store.Kind{s3.Kind{}}
	made, err := upkeep.Init(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	made.Session.Close()
	if f.Session, err = program.Open(t.Context(), session.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Session.Close)
	f.BackUp(t, 2, time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	for _, path := range []string{"/", "/databases/app", "/snapshots/latest:app/table?table=t", "/api/v1/snapshots/latest:app/file", "/api/v1/databases/app/live"} {
		answer, body := s.get(t, path, token)
		want(t, path, answer, body[:min(len(body), 300)], http.StatusOK)
	}
	proxy.Break(func(int, *http.Request) s3test.Fault { return s3test.Denied })
	answer, body := s.post(t, "/api/v1/databases/app/backup", token, "")
	if answer.StatusCode < 400 || !strings.Contains(body, `"code":`) {
		t.Errorf("a backup while the bucket refuses: got %d: %s", answer.StatusCode, body)
	}
	proxy.Break(nil)
	answer, body = s.post(t, "/api/v1/databases/app/backup", token, "")
	want(t, "a backup afterwards", answer, body, http.StatusOK)
}
