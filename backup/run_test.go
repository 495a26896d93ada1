package backup_test

import (
	"context"
	"errors"
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
	"time"

	"firn/backup"
	"firn/config"
	"firn/crypt"
	"firn/internal/dbtest"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/store/local"
)

// fixture is a repository with a configuration, and databases to back up.
type fixture struct {
	*session.Session
	dir string

	mu     sync.Mutex
	warned []string
}

// newFixture opens a new repository. The configuration has the environment "app", with more lines.
func newFixture(t *testing.T, more string) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir()}
	f.write(t, "password", "a password of a test")
	f.write(t, "firn.toml", "repository = \"repo\"\npassword_file = \"password\"\nmetrics_file = \"firn.prom\"\n[env.app]\ndatabase = \"app.db\"\n"+more)
	f.exec(t, "app.db", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), (3), (4)")
	if err := os.Mkdir(f.path("repo"), 0o700); err != nil {
		t.Fatal(err)
	}
	st, err := local.Open(f.path("repo"))
	if err == nil {
		_, err = repo.Init(t.Context(), repo.Options{Store: st, Now: time.Now}, repo.NewKey{Credential: crypt.Password("a password of a test")})
	}
	if err != nil {
		t.Fatal(err)
	}
	f.change(t, "repo/meta/gc-*", func(path string) error { // a prune is due
		return os.Chtimes(path, time.Time{}, time.Now().Add(-24*time.Hour))
	})
	c := &session.Caller{Reporter: &report.Reporter{Warned: f.warn}, Getenv: func(string) string { return "" }, Now: time.Now, Zone: time.UTC, Silence: time.Minute}
	c.Settings.Config, c.Settings.CacheDir = f.path("firn.toml"), f.path("cache")
	if f.Session, err = c.Open(t.Context(), session.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fixture) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(f.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (f *fixture) exec(t *testing.T, database string, statements ...string) {
	t.Helper()
	db := dbtest.Open(t, f.path(database))
	for _, s := range statements {
		dbtest.Exec(t, db, s)
	}
}

func (f *fixture) warn(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warned = append(f.warned, text)
}

// job returns a job of the configured environment.
func (f *fixture) job(t *testing.T, o backup.Options) *backup.Job {
	t.Helper()
	j, err := backup.NewJob(f.Conf, f.Conf.Env["app"], o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// snapshots returns the snapshots of the repository, newest first.
func (f *fixture) snapshots(t *testing.T) []*snapshot.Snapshot {
	t.Helper()
	all, err := f.Repo.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// monitor is a server that notes how it is pinged.
type monitor struct {
	mu    sync.Mutex
	pings []string
}

func newMonitor(t *testing.T) (m *monitor, line string) {
	m = &monitor{}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, fmt.Sprintf("ping = %q\n", server.URL)
}

// ServeHTTP notes the path and the body.
func (m *monitor) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pings = append(m.pings, r.URL.Path+" "+string(body))
}

// check compares the pings by their beginnings.
func (m *monitor) check(t *testing.T, want ...string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.EqualFunc(m.pings, want, strings.HasPrefix) {
		t.Errorf("got pings %q, want %q", m.pings, want)
	}
}

func TestBackUp(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping+"before = 'echo before >> $FIRN_DATABASE.hooks'\nafter = 'echo $FIRN_SNAPSHOT >> $FIRN_DATABASE.hooks'\n")
	var taken []*backup.Result
	r := backup.NewRun(f.Session, backup.RunOptions{Taken: func(result *backup.Result) { taken = append(taken, result) }})
	result, err := r.BackUp(t.Context(), f.job(t, backup.Options{Tags: []string{"nightly"}}))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(taken, []*backup.Result{result}) || !result.Snapshot.Tags.Has("nightly") || result.Unchanged() || result.Size() == 0 {
		t.Errorf("got %+v", result)
	}
	if got, want := f.read(t, "app.db.hooks"), "before\n"+result.Snapshot.ID.String()+"\n"; got != want {
		t.Errorf("commands: got %q, want %q", got, want)
	}
	m.check(t, "/start ", "/ "+result.Summary(time.UTC))
	if text := f.read(t, "firn.prom"); !strings.Contains(text, `firn_last_run_exit_code{environment="app",database="app"} 0`) {
		t.Errorf("metrics:\n%s", text)
	}
}

// TestBackUpSuspect checks that a database which has lost its rows gives both a result and an error.
func TestBackUpSuspect(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping)
	r := backup.NewRun(f.Session, backup.RunOptions{})
	good, err := r.BackUp(t.Context(), f.job(t, backup.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	f.exec(t, "app.db", "DROP TABLE t", "CREATE TABLE u(a)")
	result, err := r.BackUp(t.Context(), f.job(t, backup.Options{}))
	suspect, ok := errors.AsType[*backup.SuspectError](err)
	if !ok || result == nil || suspect.Snapshot != result.Snapshot || suspect.Good.ID != good.Snapshot.ID {
		t.Fatalf("got %+v, %v", result, err)
	}
	m.check(t, "/start ", "/ ", "/start ", "/fail snapshot "+result.Snapshot.ID.Short()+" is stored, and suspect: ")
	if _, err := r.BackUp(t.Context(), f.job(t, backup.Options{Accept: true})); err != nil {
		t.Errorf("accepted: got %v", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping+"before = 'echo before >> $FIRN_DATABASE.hooks'\n")
	r := backup.NewRun(f.Session, backup.RunOptions{DryRun: true})
	result, err := r.BackUp(t.Context(), f.job(t, backup.Options{Forget: true}))
	if err != nil || !result.DryRun {
		t.Fatalf("got %+v, %v", result, err)
	}
	if results, err := r.Prune(t.Context()); err != nil {
		t.Errorf("prune: got %v, %v", results, err)
	}
	m.check(t)
	for _, name := range []string{"app.db.hooks", "firn.prom"} {
		if _, err := os.Stat(f.path(name)); !os.IsNotExist(err) {
			t.Errorf("%s: got %v, want none", name, err)
		}
	}
	if all := f.snapshots(t); len(all) > 0 {
		t.Errorf("got %d snapshots, want none", len(all))
	}
}

// TestStream checks that a stream is stored as a database if it holds one.
func TestStream(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	database, err := os.ReadFile(f.path("app.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := backup.NewRun(f.Session, backup.RunOptions{})
	for content, stream := range map[string]bool{"some text": true, string(database): false} {
		j, err := backup.NewJob(f.Conf, &config.Environment{Name: "stream", DatabaseName: "dump"}, backup.Options{Stream: strings.NewReader(content), Accept: true})
		if err != nil {
			t.Fatal(err)
		}
		result, err := r.BackUp(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Snapshot.IsStream(); got != stream || result.Size() != int64(len(content)) {
			t.Errorf("%.10q: got %d bytes, a stream: %t", content, result.Size(), got)
		}
	}
	j, err := backup.NewJob(f.Conf, &config.Environment{Name: "stream", DatabaseName: "dump"}, backup.Options{Stream: strings.NewReader("")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.BackUp(t.Context(), j); err == nil || err.Error() != "back up stream: the stream: it is empty" {
		t.Errorf("empty: got %v", err)
	}
}

// TestBackUpAtOnce takes snapshots of several databases from as many goroutines. Among the goroutines of one database, one
// backs up, and the others wait for nothing.
func TestBackUpAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	r := backup.NewRun(f.Session, backup.RunOptions{})
	var wait sync.WaitGroup
	for i := range 12 {
		name := fmt.Sprintf("app%d.db", i%4)
		if i < 4 {
			f.exec(t, name, "CREATE TABLE t(a)", "INSERT INTO t VALUES (randomblob(100000))")
		}
		wait.Go(func() {
			j, err := backup.NewJob(f.Conf, &config.Environment{Name: "many", Database: f.path(name)}, backup.Options{})
			if err == nil {
				_, err = r.BackUp(t.Context(), j)
			}
			if err != nil && !errors.Is(err, outcome.ErrRunning) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	found := session.Databases(f.snapshots(t))
	if want := []string{"app0", "app1", "app2", "app3"}; !slices.Equal(found, want) {
		t.Errorf("got snapshots of %q, want %q", found, want)
	}
	if _, err := r.Prune(t.Context()); err != nil {
		t.Error(err)
	}
	if damage, err := f.Repo.Check(t.Context(), repo.CheckOptions{ReadData: true}); err != nil || len(damage.Findings) > 0 {
		t.Errorf("check: got %v, %v", damage, err)
	}
}

// TestForget checks that the rules of an environment hold that is not in the configuration.
func TestForget(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "")
	env := &config.Environment{Name: "other", Database: f.path("app.db"), Keep: config.Keep{Last: &config.Count{Count: 2}}}
	j, err := backup.NewJob(f.Conf, env, backup.Options{Forget: true})
	if err != nil {
		t.Fatal(err)
	}
	r := backup.NewRun(f.Session, backup.RunOptions{})
	for range 3 {
		if _, err := r.BackUp(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(f.snapshots(t)); got != 2 {
		t.Errorf("got %d snapshots, want 2", got)
	}
}

func TestNewJob(t *testing.T) {
	t.Parallel()
	conf := &config.Config{}
	env := func() *config.Environment { return &config.Environment{Name: "app", Database: "app.db"} }
	for name, refused := range map[string]struct {
		env *config.Environment
		o   backup.Options
	}{
		"NoDatabase": {&config.Environment{Name: "app"}, backup.Options{}},
		"NoName":     {&config.Environment{Database: "app.db"}, backup.Options{}},
		"Export":     {env(), backup.Options{Export: "copy"}},
		"Tag":        {env(), backup.Options{Tags: []string{"two words, and a comma"}}},
		"Keep":       {env(), backup.Options{Keep: &config.Keep{}}},
		"KeepNone":   {env(), backup.Options{Forget: true, Keep: &config.Keep{}}},
	} {
		if _, err := backup.NewJob(conf, refused.env, refused.o); err == nil {
			t.Errorf("%s: it was not refused", name)
		}
	}
	given := env()
	if _, err := backup.NewJob(conf, given, backup.Options{Forget: true}); err != nil || given.Database != "app.db" || given.DatabaseName != "" {
		t.Errorf("got %v, and the environment is %+v", err, given)
	}
}

// TestFuture checks that a snapshot cannot be taken ahead of time: it would be the latest for long.
func TestFuture(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping)
	_, err := backup.NewRun(f.Session, backup.RunOptions{}).BackUp(t.Context(), f.job(t, backup.Options{Time: time.Now().Add(time.Hour)}))
	if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
		t.Errorf("got %v", err)
	}
	m.check(t, "/start ", "/fail the time of the snapshot, ")
}

func TestNotBegun(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := backup.NewRun(f.Session, backup.RunOptions{})
	if _, err := r.BackUp(ctx, f.job(t, backup.Options{})); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	backup.NotBegun(t.Context(), f.Caller, f.Conf, []*config.Environment{f.Conf.Env["app"]}, backup.RunOptions{MetricsFile: f.path("other.prom")}, repo.ErrNotRepository)
	m.check(t, "/start ", "/fail interrupted", "/start ", "/fail "+repo.ErrNotRepository.Error())
	if text := f.read(t, "other.prom"); !strings.Contains(text, `firn_last_run_exit_code{environment="app",database="app"} 10`) {
		t.Errorf("metrics:\n%s", text)
	}
}

// change changes the files that match a pattern.
func (f *fixture) change(t *testing.T, pattern string, change func(path string) error) {
	t.Helper()
	paths, err := filepath.Glob(f.path(pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: got %q, %v", pattern, paths, err)
	}
	for _, path := range paths {
		if err := change(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPruneFails checks that the monitor of a backup that has succeeded learns of a prune that has not.
func TestPruneFails(t *testing.T) {
	t.Parallel()
	m, ping := newMonitor(t)
	f := newFixture(t, ping)
	r := backup.NewRun(f.Session, backup.RunOptions{})
	if _, err := r.BackUp(t.Context(), f.job(t, backup.Options{})); err != nil {
		t.Fatal(err)
	}
	f.change(t, "repo/packs/*", os.RemoveAll)
	if _, err := r.Prune(t.Context()); err == nil {
		t.Error("a prune without packs succeeds")
	}
	m.check(t, "/start ", "/ ", "/fail the snapshots are stored, but space could not be freed: ")
}
