//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
)

// served is a "firn serve" that runs as a process of its own.
type served struct {
	*machine
	token   string
	process *os.Process
	lines   *bufio.Scanner // of its output
	client  *http.Client
}

// newServed makes a repository, a database and a token, and starts the server at a socket that the test hands over, as systemd
// does it.
func newServed(t *testing.T, args ...string) *served {
	t.Helper()
	dir := t.TempDir()
	s := &served{machine: newMachine(t, dir, []string{"FIRN_STATE_DIR=" + filepath.Join(dir, "state"), "JOURNAL_STREAM="}, 1)}
	s.configure("repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n")
	db := dbtest.Open(t, s.path("app.db"))
	dbtest.Exec(t, db, "CREATE TABLE t(a)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s.must("init")
	s.must("backup", "app")
	printed := strings.TrimSpace(string(s.must("token", "add", "--scope", "status", "test")))
	s.token = printed[strings.LastIndexByte(printed, '\n')+1:]
	l, err := net.Listen("unix", s.path("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the process has a descriptor of its own
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	s.start(t, l.(*net.UnixListener), args)
	s.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", s.path("s"))
		},
	}}
	return s
}

// start starts the process until the test ends. The shell knows the process by which the socket is meant to be taken, and becomes it.
func (s *served) start(t *testing.T, l *net.UnixListener, args []string) {
	t.Helper()
	socket, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	// A process that was started with nohup ignores HUP, and so do its children, but for signals that it takes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	firn := s.firn(append([]string{"serve"}, args...)...)
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`}, firn.Args...)...)
	cmd.Args[3] = firn.Path
	cmd.Dir, cmd.Env, cmd.ExtraFiles = firn.Dir, firn.Env, []*os.File{socket}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	s.lines = bufio.NewScanner(out)
	s.process = cmd.Process
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("firn serve: %v", err)
		}
		out.Close()
	})
}

// await reads the output until a line has a text.
func (s *served) await(t *testing.T, text string) {
	t.Helper()
	late := time.AfterFunc(2*time.Minute, func() { _ = s.process.Kill() })
	defer late.Stop()
	for s.lines.Scan() {
		if strings.Contains(s.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("firn serve ended without %q", text)
}

// get returns the status and the body of an answer.
func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestServe gives the server its socket as systemd does, and changes its configuration while it runs.
func TestServe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--watch"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			t.Parallel()
			s := newServed(t, args...)
			s.await(t, "Sign in, once")
			if status, body := s.get(t, "/api/v1/databases/app"); status != http.StatusOK {
				t.Errorf("got %d: %s", status, body)
			}
			if status, body := s.get(t, "/api/v1/databases/new"); status != http.StatusNotFound {
				t.Errorf("an environment of later: got %d: %s", status, body)
			}
			const more = "repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n[env.new]\ndatabase = \"new.db\"\n"
			s.reload(t, "nonsense", "was not taken over")
			if status, body := s.get(t, "/api/v1/databases/app"); status != http.StatusOK {
				t.Errorf("after a wrong configuration: got %d: %s", status, body)
			}
			s.reload(t, more, "onfiguration was read again")
			if status, body := s.get(t, "/api/v1/databases/new"); status != http.StatusOK {
				t.Errorf("the new environment: got %d: %s", status, body)
			}
		})
	}
}

// reload has the server read another configuration, and waits until it says that it has.
func (s *served) reload(t *testing.T, conf, said string) {
	t.Helper()
	s.configure(conf)
	if err := s.process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.await(t, said)
}
