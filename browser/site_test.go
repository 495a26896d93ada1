package browser_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// site is a repository of databases, and the real "firn serve" that shows it.
type site struct {
	dir, firn, sqlite string
	base, secret      string // of the link that the server has printed
}

// hostile is a name for tables, columns and values that would be harmful if a page did not escape it.
const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>`

// quoted returns an SQL literal or name.
func quoted(mark, text string) string {
	return mark + strings.ReplaceAll(text, mark, mark+mark) + mark
}

// newSite builds firn, makes a repository with the history of a database, and serves it until the test ends.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), sqlite: need(t, "sqlite3")}
	s.firn = filepath.Join(s.dir, "firn")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.firn, "./cmd/firn")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build firn: %v: %s", err, out)
	}
	s.write(t, "firn.toml", "repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n[env.demo]\ndatabase = \"demo.db\"\nstop = \"cat "+filepath.Join(s.dir, gate)+"\"\nstart = \"true\"\n[env.lost]\ndatabase = \"lost.db\"\n")
	if err := syscall.Mkfifo(filepath.Join(s.dir, gate), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "init")
	s.fill(t)
	s.serve(t)
	return s
}

// fill makes databases with a history: rows that come, change and go, and names that are attacks.
func (s *site) fill(t *testing.T) {
	t.Helper()
	name, value := quoted(`"`, hostile), quoted("'", hostile)
	s.exec(t, "app.db", `CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, photo BLOB);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 250)
		INSERT INTO users SELECT i, 'User ' || i, 'user' || i || '@example.org', iif(i = 3, randomblob(9000), NULL) FROM n;
		CREATE TABLE orders(id INTEGER PRIMARY KEY, user INTEGER REFERENCES users(id), note TEXT);
		INSERT INTO orders SELECT id, id, 'An order' FROM users;
		CREATE TABLE `+name+`(`+name+`); INSERT INTO `+name+` VALUES (`+value+`), (`+quoted("'", strings.Repeat("long ", 3000))+`), (NULL);
		CREATE VIEW newest AS SELECT * FROM users ORDER BY id DESC LIMIT 10`)
	s.exec(t, "demo.db", "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'Demo')")
	s.run(t, "backup", "app")
	s.run(t, "backup", "demo")
	s.exec(t, "app.db", "UPDATE users SET name = 'Ann' WHERE id = 1; DELETE FROM orders WHERE id > 240; INSERT INTO users(name) VALUES ("+value+")")
	s.run(t, "backup", "app")
	s.exec(t, "app.db", "ALTER TABLE users ADD COLUMN city TEXT; UPDATE users SET city = 'Rome' WHERE id < 5")
	s.run(t, "backup", "app", "--tag", "release")
}

// write writes a file of the site.
func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// exec runs SQL on a database of the site.
func (s *site) exec(t *testing.T, database, sql string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.sqlite, "-bail", filepath.Join(s.dir, database))
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3 %s: %v: %s", database, err, out)
	}
	return strings.TrimSpace(string(out))
}

// command returns a call of firn.
func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.firn, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "FIRN_CONFIG="+filepath.Join(s.dir, "firn.toml"), "FIRN_CACHE_DIR="+filepath.Join(s.dir, "cache"),
		"FIRN_STATE_DIR="+filepath.Join(s.dir, "state"), "JOURNAL_STREAM=")
	return cmd
}

// run runs firn and returns what it prints.
func (s *site) run(t *testing.T, args ...string) string {
	t.Helper()
	var complaints strings.Builder
	cmd := s.command(t.Context(), args...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("firn %s: %v: %s%s", strings.Join(args, " "), err, out, complaints.String())
	}
	return strings.TrimSpace(string(out))
}

// printedLink is the line with the link.
var printedLink = regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/sign-in#(\w+)`)

// serve starts the server, and reads the link that it prints.
func (s *site) serve(t *testing.T) {
	t.Helper()
	cmd := s.command(context.WithoutCancel(t.Context()), "serve", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		err := cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := errors.Join(err, cmd.Wait()); err != nil {
			t.Errorf("firn serve: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for s.base == "" && lines.Scan() {
		if found := printedLink.FindStringSubmatch(lines.Text()); found != nil {
			s.base, s.secret = found[1], found[2]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out); close(drained) }()
	if s.base == "" {
		t.Fatal("firn serve has printed no link")
	}
}
