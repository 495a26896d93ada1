// Package sessiontest makes repositories with a database to back up, for tests of the packages that work on sessions.
package sessiontest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/dbtest"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
)

// Fixture is a repository in a folder of its own, with a configuration, and a database to back up. Its session is open
// until the test ends.
type Fixture struct {
	*session.Session
	Made  *upkeep.Made // the repository, as it was made; its own session is closed
	Clock time.Time    // the time of all operations; set between them
	dir   string

	mu     sync.Mutex
	warned []string
}

// New makes and opens a repository. The configuration has the environment "app", with more lines.
func New(t testing.TB, more string) *Fixture {
	t.Helper()
	f := &Fixture{dir: t.TempDir(), Clock: time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)}
	f.Write(t, "firn.toml", "repository = \"repo\"\n[env.app]\ndatabase = \"app.db\"\n"+more)
	f.Exec(t, "CREATE TABLE t(a)")
	var err error
	if f.Made, err = upkeep.Init(t.Context(), f.Program()); err != nil {
		t.Fatal(err)
	}
	f.Made.Session.Close()
	f.Session = f.Open(t, session.OpenOptions{})
	return f
}

// Program returns a new program in the fixture's folder. Its settings may be changed before it opens a repository.
func (f *Fixture) Program() *session.Caller {
	c := &session.Caller{
		Reporter: &report.Reporter{Warned: f.warn}, Getenv: func(string) string { return "" }, Now: func() time.Time { return f.Clock }, Zone: time.UTC,
		Silence: time.Minute,
	}
	c.Settings.Config, c.Settings.CacheDir = f.Path("firn.toml"), f.Path("cache")
	return c
}

// Open opens the repository once more, until the test ends.
func (f *Fixture) Open(t testing.TB, o session.OpenOptions) *session.Session {
	t.Helper()
	s, err := f.Program().Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Path returns the path of a file in the fixture's folder.
func (f *Fixture) Path(name string) string { return filepath.Join(f.dir, name) }

// Write writes a file into the fixture's folder.
func (f *Fixture) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(f.Path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Exec changes the database, which is app.db in the fixture's folder.
func (f *Fixture) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db := dbtest.Open(t, f.Path("app.db"))
	defer db.Close()
	for _, s := range statements {
		dbtest.Exec(t, db, s)
	}
}

func (f *Fixture) warn(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warned = append(f.warned, text)
}

// Warned returns all warnings so far.
func (f *Fixture) Warned() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.warned...)
}

// BackUp takes snapshots of the database, which changes in between, with some time before each, the oldest first.
func (f *Fixture) BackUp(t testing.TB, times int, every time.Duration) (taken []*snapshot.Snapshot) {
	t.Helper()
	for range times {
		f.Clock = f.Clock.Add(every)
		f.Exec(t, "INSERT INTO t VALUES (randomblob(50000))")
		taken = append(taken, f.Take(t, backup.Options{}))
	}
	return taken
}

// Take takes a snapshot of the environment as it is.
func (f *Fixture) Take(t testing.TB, o backup.Options) *snapshot.Snapshot {
	t.Helper()
	j, err := backup.NewJob(f.Conf, f.Conf.Env["app"], o)
	if err != nil {
		t.Fatal(err)
	}
	result, err := backup.NewRun(f.Session, backup.RunOptions{}).BackUp(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

// Catalog reads what the repository shows.
func (f *Fixture) Catalog(t testing.TB) *session.Catalog {
	t.Helper()
	known, err := f.Session.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// DamagePack flips a bit of the largest pack.
func (f *Fixture) DamagePack(t testing.TB) {
	t.Helper()
	var largest string
	var content []byte
	err := filepath.WalkDir(f.Path("repo/packs"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if len(b) > len(content) {
			largest, content = path, b
		}
		return err
	})
	if err != nil || largest == "" {
		t.Fatalf("find a pack: %q, %v", largest, err)
	}
	content[len(content)/2] ^= 1
	if err := os.Chmod(largest, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(largest, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
