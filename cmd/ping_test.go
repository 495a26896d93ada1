package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/cmd"
	"firn/internal/dbtest"
)

// monitor is a server that records pings.
type monitor struct {
	*httptest.Server
	answers []int // the statuses of the first answers; the others are 200

	mu    sync.Mutex
	pings []string // path and body
}

func newMonitor(t *testing.T, answers ...int) *monitor {
	m := &monitor{answers: answers}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

// ServeHTTP implements http.Handler.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pings = append(m.pings, r.URL.RequestURI()+" "+string(body))
	if len(m.answers) > 0 {
		w.WriteHeader(m.answers[0])
		m.answers = m.answers[1:]
	}
}

// pinged runs a backup with a monitor, and returns its exit code and its output.
func pinged(t *testing.T, ping, more string, args ...string) (code int, output string) {
	t.Helper()
	dir := t.TempDir()
	dbtest.Exec(t, dbtest.Open(t, filepath.Join(dir, "app.db")), "CREATE TABLE t(a)")
	conf := fmt.Sprintf("repository = \"repo\"\n[env.production]\ndatabase = \"app.db\"\nping = %q\n", ping)
	configure := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "firn.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure(conf)
	run := func(args ...string) int {
		var out bytes.Buffer
		args = append(args, "--config", filepath.Join(dir, "firn.toml"), "--cache-dir", filepath.Join(dir, "cache"))
		code := cmd.Run(context.Background(), args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
		output = out.String()
		return code
	}
	if code := run("init"); code != 0 {
		t.Fatal(output)
	}
	configure(conf + more)
	code = run(append([]string{"backup", "production"}, args...)...)
	return code, output
}

func TestPing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, more string
		args       []string
		answers    []int
		spaces     bool // put white space around the address
		code       int
		want       []string // the beginning of each ping
		output     string
	}{
		{name: "Success", want: []string{"/uuid/start?a=b ", "/uuid?a=b 20"}},
		{name: "Failure", more: `before = "exit 3"`, code: 1, want: []string{"/uuid/start?a=b ", "/uuid/fail?a=b before command failed: exit status 3"}},
		{name: "Spaces", spaces: true, want: []string{"/uuid/start?a=b ", "/uuid?a=b 20"}},
		{name: "NotBegun", args: []string{"--repository", "nowhere"}, code: 10, want: []string{"/uuid/start?a=b ", "/uuid/fail?a=b open repository "}},
		{name: "NotBegunDryRun", args: []string{"--repository", "nowhere", "--dry-run"}, code: 10},
		{name: "WrongConfiguration", more: `guard = "perhaps"`, code: 2, want: []string{"/uuid/start?a=b ", "/uuid/fail?a=b configuration "}},
		{name: "DryRun", args: []string{"--dry-run"}},
		{name: "Busy", answers: []int{500, 500, 429}, want: []string{"/uuid/start?a=b ", "/uuid?a=b ", "/uuid?a=b ", "/uuid?a=b "}},
		{name: "Gone", answers: []int{404, 404}, want: []string{"/uuid/start?a=b ", "/uuid?a=b "}, output: "production: the monitor at 127.0.0.1:"},
		{name: "Down", answers: []int{200, 503, 503, 503}, want: []string{"/uuid/start?a=b ", "/uuid?a=b ", "/uuid?a=b ", "/uuid?a=b "}, output: "was not told: it answers 503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMonitor(t, tt.answers...)
			address := m.URL + "/uuid?a=b"
			if tt.spaces {
				address = " " + address + "\n"
			}
			code, output := pinged(t, address, tt.more, tt.args...)
			if code != tt.code || !strings.Contains(output, tt.output) || strings.Contains(output, "uuid") {
				t.Errorf("code %d, want %d, with %q and without the address\n%s", code, tt.code, tt.output, output)
			}
			if n := strings.Count(output, "was not told"); n > 1 {
				t.Errorf("%d warnings\n%s", n, output)
			}
			if !slices.EqualFunc(m.pings, tt.want, strings.HasPrefix) {
				t.Errorf("got pings %q, want %q", m.pings, tt.want)
			}
		})
	}
}

// TestPingUnreachable checks that an unreachable monitor leads to a warning and to
// nothing else.
func TestPingUnreachable(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.Close()
	code, output := pinged(t, m.URL+"/uuid", "")
	if code != 0 || !strings.Contains(output, "connection refused") || strings.Contains(output, "uuid") {
		t.Errorf("code %d, want 0 and the reason without the address\n%s", code, output)
	}
}
