package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/web"
)

func TestOtherNamesOfTheHostAreRefused(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	for host, status := range map[string]int{
		"localhost": 200, "LOCALHOST:80": 200, "127.0.0.1": 200, "[::1]:7777": 200, "backup.example": 200, "Backup.Example:443": 200,
		"evil.example": 421, "127.0.0.1.evil.example": 421, "192.168.1.1": 421, "localhost.evil.example:7777": 421, "backup.example.evil": 421,
	} {
		answer, body := s.do(t, http.MethodGet, "/api/v1/status", "", append(bearer(token), "Host", host)...)
		want(t, host, answer, body, status)
	}
}

func TestPagesOfOtherSitesCannotChangeAnything(t *testing.T) {
	t.Parallel()
	s := small(t)
	cookie := s.signIn(t, s.server.Link())
	pin := "/api/v1/snapshots/latest:app/pin"
	for name, tt := range map[string]struct {
		header []string
		status int
	}{
		"CrossSite": {[]string{"Sec-Fetch-Site", "cross-site"}, 403}, "SameSite": {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"OtherOrigin": {[]string{"Origin", "http://evil.example"}, 403}, "NullOrigin": {[]string{"Origin", "null"}, 403},
		"FormType": {[]string{"Sec-Fetch-Site", "same-origin", "Content-Type", "text/plain"}, 415},
		"OwnPage":  {[]string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/json"}, 200},
	} {
		answer, body := s.do(t, http.MethodPost, pin, `{"pinned":true}`, append(tt.header, "Cookie", cookie)...)
		want(t, name, answer, body, tt.status)
	}
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if got := strings.Count(string(log), "begun"); err != nil || got != 1 {
		t.Errorf("changes in the log: got %d, %v, want 1: %s", got, err, log)
	}
	for _, path := range []string{pin, "/api/v1/databases/app/backup", "/sign-out"} {
		answer, body := s.do(t, http.MethodGet, path, "", "Cookie", cookie)
		want(t, "GET "+path, answer, body, http.StatusMethodNotAllowed)
	}
}

func TestTokensOpenWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	s := small(t)
	status, read, stream := s.token(t, access.Status, "*"), s.token(t, access.Read, "*"), s.token(t, access.Stream, "*")
	other := s.token(t, access.Admin, "oth*")
	for _, tt := range []struct {
		name, method, path, token string
		status                    int
	}{
		{"None", "GET", "/api/v1/status", "", 401}, {"Wrong", "GET", "/api/v1/status", access.NewToken().Reveal(), 401},
		{"NoToken", "GET", "/api/v1/status", "firn_x", 401}, {"Status", "GET", "/api/v1/status", status, 200},
		{"StatusReadsNoRows", "GET", "/api/v1/snapshots/latest:app/rows?table=t", status, 403},
		{"StatusGetsNoFile", "GET", "/api/v1/snapshots/latest:app/file", status, 403}, {"StatusAsksNothing", "POST", "/api/v1/snapshots/latest:app/query", status, 403},
		{"ReadReadsRows", "GET", "/api/v1/snapshots/latest:app/rows?table=t", read, 200}, {"ReadGetsNoLiveCopy", "GET", "/api/v1/databases/app/live", read, 403},
		{"StreamGetsLiveCopy", "GET", "/api/v1/databases/app/live", stream, 200}, {"StreamReadsNoRows", "GET", "/api/v1/snapshots/latest:app/rows?table=t", stream, 403},
		{"ReadRestoresNothing", "POST", "/api/v1/databases/app/restore", read, 403}, {"ReadBacksNothingUp", "POST", "/api/v1/databases/app/backup", read, 403},
		{"OtherEnvironment", "GET", "/api/v1/databases/app", other, 404}, {"OtherSnapshot", "GET", "/api/v1/snapshots/latest:app", other, 404},
		{"OtherLive", "GET", "/api/v1/databases/app/live", other, 404}, {"OtherBackup", "POST", "/api/v1/databases/app/backup", other, 404},
		{"OtherPage", "GET", "/databases/app", other, 404}, {"StatusReadsNoPage", "GET", "/snapshots/latest:app/table?table=t", status, 403},
		{"Own", "GET", "/api/v1/databases/other", other, 200},
	} {
		header := []string{"Content-Type", "application/json"}
		if tt.token != "" {
			header = append(header, bearer(tt.token)...)
		}
		answer, body := s.do(t, tt.method, tt.path, "{}", header...)
		want(t, tt.name, answer, body, tt.status)
	}
	_, hidden := s.get(t, "/api/v1/databases/app", other)
	_, missing := s.get(t, "/api/v1/databases/nothing", other)
	if strings.ReplaceAll(hidden, "app", "nothing") != missing {
		t.Errorf("a hidden environment answers %s, a missing one %s", hidden, missing)
	}
	for _, path := range []string{"/api/v1/snapshots", "/api/v1/databases", "/api/v1/status", "/metrics", "/"} {
		if _, body := s.get(t, path, other); strings.Contains(body, "app") && path != "/api/v1/status" || strings.Contains(body, `"app"`) {
			t.Errorf("%s shows another environment: %s", path, body)
		}
	}
	if err := s.tokens.Remove(t.Context(), "read *"); err != nil {
		t.Fatal(err)
	}
	answer, body := s.get(t, "/api/v1/status", read)
	want(t, "removed", answer, body, http.StatusUnauthorized)
	s.clock.add(2 * time.Hour)
	answer, body = s.get(t, "/api/v1/status", status)
	want(t, "expired", answer, body, http.StatusUnauthorized)
}

// TestEachRouteNeedsItsScope asks for everything that is described, without a token and with one that is good for nothing more
// than the status.
func TestEachRouteNeedsItsScope(t *testing.T) {
	t.Parallel()
	s := small(t)
	status, admin := s.token(t, access.Status, "*"), s.token(t, access.Admin, "*")
	_, text := s.get(t, "/api/v1/openapi.json", status)
	described := decode[struct {
		Paths map[string]map[string]struct{ Description string }
	}](t, text)
	if len(described.Paths) < 15 {
		t.Fatalf("got %d paths: %s", len(described.Paths), text)
	}
	for pattern, operations := range described.Paths {
		path := strings.NewReplacer("{env}", "none", "{ref}", "none", "{other}", "none").Replace(pattern)
		for method, o := range operations {
			method, open := strings.ToUpper(method), pattern == "/healthz"
			answer, body := s.do(t, method, path, "{}")
			if got := answer.StatusCode == http.StatusUnauthorized; got == open {
				t.Errorf("%s %s without a token: got %d: %s", method, pattern, answer.StatusCode, body)
			}
			answer, body = s.do(t, method, path, "{}", bearer(status)...)
			if got, want := answer.StatusCode == http.StatusForbidden, !open && !strings.Contains(o.Description, "status"); got != want {
				t.Errorf("%s %s with a token for the status: got %d: %s", method, pattern, answer.StatusCode, body)
			}
			answer, body = s.do(t, method, path, "{}", bearer(admin)...)
			if strings.Contains(body, "nothing is served") || answer.StatusCode == http.StatusMethodNotAllowed {
				t.Errorf("%s %s is described and not served: got %d: %s", method, pattern, answer.StatusCode, body)
			}
		}
	}
}

func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	s := small(t)
	token, link := s.token(t, access.Status, "*"), s.server.Link()
	for range 10 {
		answer, body := s.get(t, "/api/v1/status", access.NewToken().Reveal())
		want(t, "guess", answer, body, http.StatusUnauthorized)
	}
	answer, body := s.get(t, "/api/v1/status", token)
	want(t, "after ten guesses", answer, body, http.StatusTooManyRequests)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	answer, body = s.do(t, http.MethodPost, "/sign-in", "secret="+link, "Content-Type", "application/x-www-form-urlencoded")
	want(t, "sign in after ten guesses", answer, body, http.StatusTooManyRequests)
}

func TestPathsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	for _, path := range []string{
		"/static/..%2fserver.go", "/static/%2e%2e%2ftemplates%2flayout.html", "/static/..%5cserver.go", "/static/", "/static/style.css/..",
		"/static//etc/passwd", "/../../etc/passwd", "/snapshots/..%2f..%2fetc%2fpasswd", "/databases/..%2fapp", "/snapshots/%00", "/static/%00",
	} {
		answer, body := s.get(t, path, token)
		if answer.StatusCode == http.StatusOK || strings.Contains(body, "root:") || strings.Contains(body, "{{") {
			t.Errorf("%s: got %d: %.200s", path, answer.StatusCode, body)
		}
	}
	answer, body := s.do(t, http.MethodGet, "/static/style.css", "")
	want(t, "style", answer, body, http.StatusOK)
	if got := answer.Header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("type of the style: got %q", got)
	}
}

func TestLargeRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	answer, body := s.do(t, http.MethodGet, "/", "", "X-Filler", strings.Repeat("x", 64<<10))
	want(t, "header", answer, body, http.StatusRequestHeaderFieldsTooLarge)
	large := `{"sql":"` + strings.Repeat("x", 2<<20) + `"}`
	answer, body = s.post(t, "/api/v1/snapshots/latest:app/query", token, large)
	want(t, "body", answer, body, http.StatusRequestEntityTooLarge)
	answer, body = s.do(t, http.MethodPost, "/snapshots/latest:app/query", "sql="+large, append(bearer(token), "Content-Type", "application/x-www-form-urlencoded")...)
	want(t, "form", answer, body, http.StatusRequestEntityTooLarge)
}

// TestEveryAnswerHasTheHeaders checks answers of all kinds, errors too.
func TestEveryAnswerHasTheHeaders(t *testing.T) {
	t.Parallel()
	s := small(t)
	token := s.token(t, access.Admin, "*")
	for _, path := range []string{
		"/", "/sign-in", "/static/style.css", "/static/none", "/none", "/healthz", "/metrics", "/api/v1/status", "/api/v1/none", "/databases/app", "/databases/none",
		"/snapshots/latest:app", "/snapshots/latest:app/table?table=none", "/snapshots/latest:app/file", "/snapshots/latest:app/file?format=zst",
		"/api/v1/databases/app/live", "/api/v1/databases/app/restore", "/diff?from=x", "/snapshots/latest:app/schema", "//", "/databases",
	} {
		for _, header := range [][]string{bearer(token), {}, {"Host", "evil.example"}, {"Authorization", "Basic x"}} {
			answer, _ := s.do(t, http.MethodGet, path, "", header...)
			h := answer.Header
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %v: got %d with %v", path, header, answer.StatusCode, h)
			}
		}
		s.clock.add(time.Minute)
	}
}

func TestSlowClientsAreLeft(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	small := f.BackUp(t, 1, time.Minute)[0].ID.String()
	f.Exec(t, "INSERT INTO t VALUES (randomblob(20000000))")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, web.Limits{Stall: 300 * time.Millisecond, Grace: time.Minute})
	token := s.token(t, access.Admin, "*")
	t.Run("Headers", func(t *testing.T) {
		c := s.dial(t)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\n")
		if _, err := io.ReadAll(c); err != nil && !isReset(err) {
			t.Error(err)
		}
	})
	t.Run("Body", func(t *testing.T) {
		c := s.dial(t)
		fmt.Fprintf(c, "POST /api/v1/snapshots/latest:app/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", token)
		if b, err := io.ReadAll(c); err != nil && !isReset(err) || strings.Contains(string(b), " 200 ") {
			t.Errorf("got %s, %v", b, err)
		}
	})
	t.Run("Answer", func(t *testing.T) {
		c := s.dial(t)
		fmt.Fprintf(c, "GET /api/v1/snapshots/latest:app/file HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token)
		r := bufio.NewReader(c)
		if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Fatalf("got %q, %v", line, err)
		}
		for { // the client takes nothing until its turn is free again
			answer, body := s.get(t, "/api/v1/snapshots/"+small+"/file", token)
			if answer.StatusCode == http.StatusOK {
				break
			}
			want(t, "second file", answer, body[:min(len(body), 200)], http.StatusTooManyRequests)
		}
		if n, _ := io.Copy(io.Discard, r); n >= 20_000_000 {
			t.Errorf("a client that took nothing got %d bytes", n)
		}
	})
}

// dial opens a connection to the server.
func (s *stand) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// isReset reports whether the other side has closed the connection hard.
func isReset(err error) bool { _, ok := errors.AsType[*net.OpError](err); return ok }

// TestAddressIsNotTheClientsWord checks that a client cannot choose the address that the log and the limits know it by.
func TestAddressIsNotTheClientsWord(t *testing.T) {
	t.Parallel()
	s := small(t)
	behind, err := web.New(s.Session, web.Options{Tokens: s.tokens, Log: s.log, BehindProxy: true})
	if err != nil {
		t.Fatal(err)
	}
	header := append(bearer(s.token(t, access.Admin, "*")), "Content-Type", "application/json", "X-Forwarded-For", "198.51.100.1, 203.0.113.9")
	for _, server := range []*web.Server{s.server, behind} {
		r := s.request(t, http.MethodPost, "/api/v1/snapshots/latest:app/pin", `{"pinned":true}`, header...)
		r.RemoteAddr = "192.0.2.7:1"
		if answer := record(server, r); answer.Code != http.StatusOK {
			t.Fatalf("got %d: %s", answer.Code, answer.Body)
		}
	}
	log, err := os.ReadFile(s.Path("serve/audit.jsonl"))
	if err != nil || strings.Count(string(log), `"from":"192.0.2.7"`) != 2 || strings.Count(string(log), `"from":"203.0.113.9"`) != 2 {
		t.Errorf("got %s, %v", log, err)
	}
}

func TestManyClients(t *testing.T) {
	t.Parallel()
	clients := 1000
	if testing.Short() {
		clients = 50 // the race detector is slow
	}
	s := small(t)
	token := s.token(t, access.Read, "*")
	var all sync.WaitGroup
	for i := range clients {
		path := []string{"/", "/api/v1/status", "/databases/app", "/api/v1/snapshots"}[i%4]
		all.Go(func() {
			answer, body := s.get(t, path, token)
			want(t, path, answer, body, http.StatusOK)
		})
	}
	all.Wait()
}
