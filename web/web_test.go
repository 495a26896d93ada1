package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/web"
)

// stand is a server with its repository, for a test.
type stand struct {
	*sessiontest.Fixture
	server *web.Server
	tokens *access.File
	log    *access.Log
	clock  *clock // of tokens
	base   string
	end    func() error
}

// clock is a time that a test sets while a server runs.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// limits are those of most tests. A query of a test may take as long as a slow machine takes.
var limits = web.Limits{Grace: time.Minute, Queries: 16, QueryTime: time.Minute}

// start serves the repository of a fixture until the test ends.
func start(t *testing.T, f *sessiontest.Fixture, l web.Limits) *stand {
	t.Helper()
	return startAt(t, f, l, f.Path("serve"))
}

// startAt is start with the folder of the tokens and the log.
func startAt(t *testing.T, f *sessiontest.Fixture, l web.Limits, dir string) *stand {
	t.Helper()
	s := &stand{Fixture: f, clock: &clock{now: f.Clock}}
	var err error
	if s.tokens, err = access.Open(dir, s.clock.read); err != nil {
		t.Fatal(err)
	}
	log, err := access.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.server, err = web.New(f.Session, web.Options{Tokens: s.tokens, Log: log, Hosts: []string{"backup.example"}, Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.base = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(ctx, listener) }()
	s.end = sync.OnceValue(func() error { cancel(); return errors.Join(<-ended, log.Close()) })
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// token makes a token.
func (s *stand) token(t *testing.T, scope access.Scope, environment string) string {
	t.Helper()
	token, err := s.tokens.Add(t.Context(), access.Grant{
		Name: string(scope) + " " + environment, Scopes: []access.Scope{scope}, Environment: environment, Expires: s.clock.read().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// request is a request of a test; header is pairs of names and values.
func (s *stand) request(t *testing.T, method, path, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// client follows no redirection.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do sends a request and reads its answer.
func (s *stand) do(t *testing.T, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	answer, err := client().Do(s.request(t, method, path, body, header...))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// want fails the test if an answer has another status.
func want(t *testing.T, what string, answer *http.Response, body string, status int) {
	t.Helper()
	if answer.StatusCode != status {
		t.Errorf("%s: got %d, want %d: %.300s", what, answer.StatusCode, status, body)
	}
}

// bearer returns the header of a token.
func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// post sends JSON with a token.
func (s *stand) post(t *testing.T, path, token, body string) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, body, append(bearer(token), "Content-Type", "application/json")...)
}

// get asks with a token.
func (s *stand) get(t *testing.T, path, token string) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", bearer(token)...)
}

// decode reads JSON.
func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return value
}

// signIn signs a browser in and returns its cookie.
func (s *stand) signIn(t *testing.T, secret string) string {
	t.Helper()
	answer, body := s.do(t, http.MethodPost, "/sign-in", url.Values{"secret": {secret}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	want(t, "sign in", answer, body, http.StatusSeeOther)
	for _, c := range answer.Cookies() {
		if c.Name == "__Host-firn" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatal("got no cookie")
	return ""
}

// small is a repository with a snapshot of a small database, and a server.
func small(t *testing.T, statements ...string) *stand {
	t.Helper()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	if len(statements) > 0 {
		f.Exec(t, statements...)
	}
	f.BackUp(t, 1, time.Minute)
	return start(t, f, limits)
}
