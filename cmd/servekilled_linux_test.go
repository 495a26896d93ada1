package cmd_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// served is a server of a folder, as a process of its own.
type served struct {
	process *exec.Cmd
	base    string
	token   string
}

// serve starts a server.
func (d killDir) serve(t *testing.T, token string) *served {
	t.Helper()
	s := &served{process: d.command("firn", "serve", "--listen", "127.0.0.1:0"), token: token}
	out, err := s.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.process.Stdout = s.process.Stderr
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	lines := bufio.NewScanner(out)
	for at := regexp.MustCompile(` at (127\.0\.0\.1:\d+)`); lines.Scan(); {
		if found := at.FindStringSubmatch(lines.Text()); found != nil {
			s.base = "http://" + found[1]
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s
}

// kill kills the process, and waits for its end.
func (s *served) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// ask sends a request.
func (s *served) ask(method, path, body string) (string, error) {
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// plan returns the body that runs the restore of the newest snapshot.
func (s *served) plan(t *testing.T) string {
	t.Helper()
	text, err := s.ask(http.MethodPost, "/api/v1/databases/app/restore", `{"snapshot":"latest:app"}`)
	var p struct{ Fingerprint string }
	if err != nil || json.Unmarshal([]byte(text), &p) != nil || p.Fingerprint == "" {
		t.Fatalf("plan: got %s, %v", text, err)
	}
	return `{"snapshot":"latest:app","fingerprint":"` + p.Fingerprint + `"}`
}

// TestServeIsKilledWithinARestore kills a server while a restore has stopped the application. The next server says so, nothing has to be
// unlocked, the application is started, and the database is the old one.
func TestServeIsKilledWithinARestore(t *testing.T) {
	t.Parallel()
	d := newKillDir(t)
	d.shell(t, `firn init; firn backup app; sql app.db "UPDATE t SET a = 'now'"; cp app.db old.db; cp firn.toml plain.toml
mkfifo reached gate started; printf 'stop = "echo > reached; cat gate"\nstart = "echo > started"\n' >> firn.toml`)
	out, err := d.command("firn", "token", "add", "--scope", "admin", "t").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := d.serve(t, strings.TrimSpace(string(out)))
	order := s.plan(t)
	asked := make(chan error, 1)
	go func() {
		_, err := s.ask(http.MethodPost, "/api/v1/databases/app/restore", order)
		asked <- err
	}()
	fifo := func(name string) string { return filepath.Join(string(d), name) }
	if _, err := os.ReadFile(fifo("reached")); err != nil { // the restore has come to the stop
		t.Fatal(err)
	}
	s.kill()
	if err := <-asked; err == nil {
		t.Error("the request was answered")
	}
	if err := os.WriteFile(fifo("gate"), nil, 0); err != nil { // the stop ends, and the start runs all the same
		t.Fatal(err)
	}
	if _, err := os.ReadFile(fifo("started")); err != nil {
		t.Fatal(err)
	}
	if d.content(t, "app.db") != d.content(t, "old.db") {
		t.Error("the database is not the old one")
	}
	d.shell(t, "mv plain.toml firn.toml")
	s = d.serve(t, s.token)
	page, err := s.ask(http.MethodGet, "/log", "")
	found := regexp.MustCompile(`/work/[A-Z2-7]{26}`).FindString(page)
	if err != nil || !strings.Contains(page, ">Interrupted<") || found == "" {
		t.Fatalf("log: got %s, %v", page, err)
	}
	if page, err = s.ask(http.MethodGet, found, ""); err != nil || !strings.Contains(page, "the log does not say that it has ended") || !strings.Contains(page, "Restore app from snapshot") {
		t.Errorf("job: got %s, %v", page, err)
	}
	if text, err := s.ask(http.MethodPost, "/api/v1/databases/app/restore", s.plan(t)); err != nil || !strings.Contains(text, `"pre_restore_id"`) {
		t.Errorf("the restore again: got %s, %v", text, err)
	}
	if page, err = s.ask(http.MethodGet, "/databases/app", ""); err != nil || !strings.Contains(page, "Undo the last restore") {
		t.Errorf("page of the database: got %s, %v", page, err)
	}
}
