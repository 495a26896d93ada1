package firn_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firn"
	"firn/diff"
	"firn/internal/dbtest"
)

// fixture is a repository with a database beside it, in a folder of the test's own.
type fixture struct {
	t    testing.TB
	dir  string
	key  string
	repo *firn.Repository
	app  *firn.Database
}

func newFixture(t testing.TB, e firn.Environment) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	f.key = f.path("firn.key")
	f.repo = f.open(f.path("repo"), firn.Options{KeyFile: f.key, Create: true})
	f.exec("app.db", "PRAGMA journal_mode = WAL; CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO item(name) VALUES('one')")
	e.Name = "production"
	f.app = f.repo.Database(f.path("app.db"), e)
	return f
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

// open opens a repository with a cache of its own.
func (f *fixture) open(location string, o firn.Options) *firn.Repository {
	f.t.Helper()
	if o.CacheDir == "" {
		o.CacheDir = location + "-cache"
	}
	r, err := firn.Open(f.t.Context(), location, o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return r
}

// exec runs statements on a database.
func (f *fixture) exec(name string, statements ...string) {
	f.t.Helper()
	db := dbtest.Open(f.t, f.path(name))
	defer db.Close()
	for _, s := range statements {
		dbtest.Exec(f.t, db, s)
	}
}

// backUp takes a snapshot, which must succeed.
func (f *fixture) backUp(o firn.BackupOptions) *firn.BackupResult {
	f.t.Helper()
	result, err := f.app.Backup(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

// backUpTimes takes snapshots, each of a changed database.
func (f *fixture) backUpTimes(n int) {
	f.t.Helper()
	for range n {
		f.exec("app.db", "INSERT INTO item(name) VALUES('more')")
		f.backUp(firn.BackupOptions{})
	}
}

// all returns the snapshots of the repository.
func (f *fixture) all() []*firn.Snapshot {
	f.t.Helper()
	all, err := f.repo.Snapshots(f.t.Context(), firn.Filter{})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// names returns the names in a table of items.
func names(t testing.TB, db *sql.DB) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT name FROM item ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	return all
}

func (f *fixture) wantNames(s *firn.Snapshot, want ...string) {
	f.t.Helper()
	db := s.DB()
	defer db.Close()
	if got := names(f.t, db); !slices.Equal(got, want) {
		f.t.Errorf("snapshot %s: got %q, want %q", s.ID.Short(), got, want)
	}
}

func TestRepositoryIsMadeOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	if f.repo.RecoveryKey() == "" {
		t.Error("a new repository has no recovery key")
	}
	if again := f.open(f.path("repo"), firn.Options{KeyFile: f.key, Create: true}); again.RecoveryKey() != "" {
		t.Error("a repository that was there has a recovery key")
	}
	if err := os.WriteFile(f.path("paper.key"), []byte(f.repo.RecoveryKey()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.open(f.path("repo"), firn.Options{KeyFile: f.path("paper.key")})
}

func TestOpenTellsWhyNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	other := f.path("other.key")
	f.open(f.path("elsewhere"), firn.Options{KeyFile: other, Create: true})
	for name, tt := range map[string]struct {
		location string
		o        firn.Options
		want     error
		code     int
	}{
		"NoRepository": {f.path("none"), firn.Options{KeyFile: f.key}, firn.ErrNotRepository, 10},
		"WrongKey":     {f.path("repo"), firn.Options{KeyFile: other}, firn.ErrWrongKey, 12},
		"WrongWord":    {f.path("repo"), firn.Options{Password: "four words or more"}, firn.ErrWrongKey, 12},
		"NoKey":        {f.path("repo"), firn.Options{}, nil, 2},
		"TwoKeys":      {f.path("repo"), firn.Options{KeyFile: f.key, Password: "four words or more"}, nil, 2},
		"NoLocation":   {"", firn.Options{KeyFile: f.key}, nil, 2},
		"UnknownPlace": {"s3://bucket/prefix", firn.Options{KeyFile: f.key}, nil, 2},
		"LostKey":      {f.path("repo"), firn.Options{KeyFile: f.path("lost.key")}, nil, 12},
		"LostKeyMakes": {f.path("repo"), firn.Options{KeyFile: f.path("lost.key"), Create: true}, firn.ErrExists, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.CacheDir = f.path(name)
			_, err := firn.Open(t.Context(), tt.location, tt.o)
			if code, _ := firn.Explain(err); err == nil || code != tt.code || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v (code %d), want %v (code %d)", err, code, tt.want, tt.code)
			}
		})
	}
	if _, err := os.Stat(f.path("lost.key")); !os.IsNotExist(err) {
		t.Errorf("a key file was made for a repository that was there: %v", err)
	}
	if _, err := os.Stat(f.path("none")); !os.IsNotExist(err) {
		t.Errorf("a folder was made: %v", err)
	}
}

func TestPasswordOpens(t *testing.T) {
	t.Parallel()
	f := &fixture{t: t, dir: t.TempDir()}
	const password = "crow plenty ladder velvet"
	f.open(f.path("repo"), firn.Options{Password: password, Create: true})
	f.open(f.path("repo"), firn.Options{Password: password})
}

func TestBackupKeepsHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{Tags: []string{"web"}})
	first := f.backUp(firn.BackupOptions{Tags: []string{"before-migration"}})
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	second := f.backUp(firn.BackupOptions{})
	if again := f.backUp(firn.BackupOptions{IfChanged: true}); again.Snapshot.ID != second.Snapshot.ID || !again.Skipped {
		t.Errorf("nothing has changed: got snapshot %s, want %s", again.Snapshot.ID, second.Snapshot.ID)
	}
	f.wantNames(first.Snapshot, "one")
	f.wantNames(second.Snapshot, "one", "two")
	if !first.Snapshot.Tags.Has("web") || !first.Snapshot.Tags.Has("before-migration") {
		t.Errorf("got tags %s", first.Snapshot.Tags)
	}
	list, err := f.app.Snapshots(t.Context())
	if err != nil || len(list) != 2 || list[0].ID != second.Snapshot.ID {
		t.Errorf("got %d snapshots, %v, want the two, newest first", len(list), err)
	}
	latest, err := f.app.Latest(t.Context())
	if err != nil || latest.ID != second.Snapshot.ID {
		t.Errorf("latest: got %v, %v", latest, err)
	}
	between := second.Snapshot.Time.Add(-time.Microsecond)
	if then, err := f.app.At(t.Context(), between); err != nil || then.ID != first.Snapshot.ID {
		t.Errorf("a moment before the second: got %v, %v", then, err)
	}
	if then, err := f.repo.FindAt(t.Context(), firn.Filter{}, second.Snapshot.Time); err != nil || then.ID != second.Snapshot.ID {
		t.Errorf("the moment of the second: got %v, %v", then, err)
	}
	if then, err := f.repo.Find(t.Context(), "production@"+between.Format(time.RFC3339Nano)); err != nil || then.ID != first.Snapshot.ID {
		t.Errorf("a reference to a moment: got %v, %v", then, err)
	}
	if then, err := f.app.At(t.Context(), first.Snapshot.Time.Add(-time.Second)); !errors.Is(err, firn.ErrNotFound) || then != nil {
		t.Errorf("a moment before all: got %v, %v, want ErrNotFound", then, err)
	}
	if _, err := f.repo.Find(t.Context(), "latest:staging"); !errors.Is(err, firn.ErrNotFound) {
		t.Errorf("an environment without snapshots: got %v, want ErrNotFound", err)
	}
}

// A policy that is not given keeps everything, also when another backup forgets.
func TestNothingIsForgottenWithoutAPolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	start := time.Now().Add(-48 * time.Hour)
	for i := range 30 {
		f.backUp(firn.BackupOptions{Time: start.Add(time.Duration(i) * time.Minute)})
	}
	if _, err := f.app.Retain(t.Context(), firn.RetainOptions{}); err != nil {
		t.Fatal(err)
	}
	if list, err := f.app.Snapshots(t.Context()); err != nil || len(list) != 30 {
		t.Errorf("got %d snapshots, %v, want all 30", len(list), err)
	}
	if err := f.repo.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	decisions, err := f.app.Retain(t.Context(), firn.RetainOptions{Keep: firn.Keep{Last: 3}, DryRun: true})
	if err != nil || len(decisions) != 30 {
		t.Fatalf("got %d decisions, %v, want 30", len(decisions), err)
	}
	if list, err := f.app.Snapshots(t.Context()); err != nil || len(list) != 30 {
		t.Errorf("after forgetting nothing, and a dry run: got %d snapshots, %v, want all 30", len(list), err)
	}
}

func TestBackupForgetsByItsPolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{Keep: firn.Keep{Last: 3}})
	start := time.Now().Add(-48 * time.Hour)
	first := f.backUp(firn.BackupOptions{Time: start})
	if err := first.Snapshot.Pin(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		f.backUp(firn.BackupOptions{Time: start.Add(time.Duration(i+1) * time.Minute)})
	}
	list, err := f.app.Snapshots(t.Context())
	if err != nil || len(list) != 4 || list[3].ID != first.Snapshot.ID {
		t.Errorf("got %d snapshots, %v, want the last three and the pinned one", len(list), err)
	}
	if err := f.repo.Forget(t.Context(), list[3]); err != nil {
		t.Fatal(err)
	}
	if list, _ := f.app.Snapshots(t.Context()); len(list) != 3 {
		t.Errorf("got %d snapshots, want three", len(list))
	}
}

func TestSuspectBackupIsStoredAndTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.exec("app.db", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO item(name) SELECT 'x' FROM n")
	good := f.backUp(firn.BackupOptions{})
	f.exec("app.db", "DELETE FROM item WHERE id > 1")
	result, err := f.app.Backup(t.Context(), firn.BackupOptions{})
	suspect, ok := errors.AsType[*firn.SuspectError](err)
	if !ok || result == nil || suspect.Good.ID != good.Snapshot.ID {
		t.Fatalf("got %v, %v, want a result and a SuspectError", result, err)
	}
	f.wantNames(result.Snapshot, "one")
	f.backUp(firn.BackupOptions{Accept: true})
}

func TestRestoreCloneAndUndo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.exec("demo.db", "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO item(name) VALUES('demo')")
	if err := os.WriteFile(f.path("scrub.sql"), []byte("UPDATE item SET name = 'scrubbed';"), 0o600); err != nil {
		t.Fatal(err)
	}
	demo := f.repo.Database(f.path("demo.db"), firn.Environment{Name: "demo", Scrub: f.path("scrub.sql"), RequireScrub: true})
	taken := f.backUp(firn.BackupOptions{})

	cloned, err := demo.Restore(t.Context(), taken.Snapshot, firn.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.wantNames(cloned.Saved, "demo")
	wantFile := func(name string, want ...string) {
		t.Helper()
		db := dbtest.Open(t, f.path(name))
		defer db.Close()
		if got := names(t, db); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	wantFile("demo.db", "scrubbed")
	if _, err := demo.Undo(t.Context(), firn.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	wantFile("demo.db", "demo")
	if _, err := taken.Snapshot.RestoreTo(t.Context(), f.path("copy.db"), firn.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	wantFile("copy.db", "one")
	plan, err := f.app.PlanRestore(t.Context(), taken.Snapshot, firn.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Target.Exists || plan.Snapshot.ID != taken.Snapshot.ID {
		t.Errorf("got the plan %+v", plan.Plan)
	}
	if err := plan.Close(); err != nil {
		t.Error(err)
	}
}

func TestVerifyAndDump(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{Verify: "SELECT name FROM item WHERE name = 'wrong'"})
	taken := f.backUp(firn.BackupOptions{}).Snapshot
	found, err := taken.Verify(t.Context())
	if err != nil || !found.Sound() || !strings.Contains(found.How, "verify SQL") {
		t.Errorf("got %+v, %v, want it sound, by the SQL too", found, err)
	}
	if sound, err := f.repo.Find(t.Context(), "latest-verified:production"); err != nil || sound.ID != taken.ID {
		t.Errorf("latest-verified: got %v, %v", sound, err)
	}
	if found, err := taken.VerifyFull(t.Context()); err != nil || !found.BySQLite() || !found.Whole.IsZero() {
		t.Errorf("in full: got %+v, %v", found, err)
	}
	f.exec("app.db", "INSERT INTO item(name) VALUES('wrong')")
	bad := f.backUp(firn.BackupOptions{}).Snapshot
	if found, err := bad.Verify(t.Context()); err == nil || found == nil || found.Sound() {
		t.Errorf("got %+v, %v, want it not sound", found, err)
	}
	var file, script bytes.Buffer
	if err := errors.Join(taken.Dump(t.Context(), &file, firn.FormatDB), taken.Dump(t.Context(), &script, firn.FormatSQL)); err != nil {
		t.Fatal(err)
	}
	if int64(file.Len()) != taken.Image().Size || !strings.Contains(script.String(), "'one'") {
		t.Errorf("got a file of %d bytes and the script %q", file.Len(), script.String())
	}
	if err := taken.Dump(t.Context(), io.Discard, "xml"); err == nil {
		t.Error("a format that there is not: got no error")
	}
}

func TestDiffNamesRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	first := f.backUp(firn.BackupOptions{}).Snapshot
	f.exec("app.db", "UPDATE item SET name = 'uno'", "INSERT INTO item(name) VALUES('two')", "CREATE TABLE tag(name)")
	second := f.backUp(firn.BackupOptions{}).Snapshot
	c, err := f.repo.Diff(t.Context(), first, second)
	if err != nil {
		t.Fatal(err)
	}
	if schema := c.Schema(); len(schema) != 1 || schema[0].Name != "tag" || schema[0].Kind != diff.Added {
		t.Errorf("schema: got %+v, want the new table", schema)
	}
	var rows []string
	counts, err := c.Rows(t.Context(), "item", func(r diff.Row) error {
		rows = append(rows, fmt.Sprint(r.Kind, " ", r.Key[0].Value))
		return nil
	})
	if err != nil || !slices.Equal(rows, []string{"changed 1", "added 2"}) || counts.Added != 1 || counts.Changed != 1 {
		t.Errorf("got %q, %+v, %v", rows, counts, err)
	}
}

func TestCopyToAnotherRepository(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.backUp(firn.BackupOptions{})
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	f.backUp(firn.BackupOptions{})
	offsite := f.open(f.path("offsite"), firn.Options{KeyFile: f.path("offsite.key"), Create: true})
	for _, want := range []int{2, 0} {
		result, err := f.repo.CopyTo(t.Context(), offsite, firn.CopyOptions{})
		if err != nil || len(result.Copied) != want {
			t.Errorf("got %+v, %v, want %d copied", result, err, want)
		}
	}
	newest, err := offsite.Find(t.Context(), "latest:production")
	if err != nil {
		t.Fatal(err)
	}
	f.wantNames(newest, "one", "two")
}

func TestStatusJudgesDatabases(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{MaxAge: time.Hour})
	f.backUp(firn.BackupOptions{Time: time.Now().Add(-2 * time.Hour)})
	status, err := f.repo.Status(t.Context())
	if err != nil || status.OK() || len(status.States) != 1 {
		t.Fatalf("an old snapshot: got %+v, %v, want it not OK", status, err)
	}
	f.backUp(firn.BackupOptions{})
	if status, err = f.repo.Status(t.Context()); err != nil || !status.OK() {
		t.Errorf("a new snapshot: got %+v, %v, want it OK", status, err)
	}
	if stats, err := f.repo.Statistics(t.Context(), "production"); err != nil || stats.Snapshots != 2 || len(stats.Shares) != 2 {
		t.Errorf("got %+v, %v", stats, err)
	}
	if simulated, err := f.app.Simulate(t.Context(), firn.Keep{Daily: 7}, 30*24*time.Hour, time.Hour); err != nil || len(simulated.Keep) < 7 {
		t.Errorf("got %+v, %v, want seven days", simulated, err)
	}
	if _, err := f.repo.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
}

func TestWrongEnvironmentIsAnErrorOfEveryMethod(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	for name, e := range map[string]firn.Environment{
		"NoName":    {},
		"Flag":      {Name: "-x"},
		"TagOfFirn": {Name: "a", Tags: []string{"pre-restore"}},
		"Share":     {Name: "a", MaxShrink: 2},
		"Stop":      {Name: "a", Stop: "false"},
		"Ping":      {Name: "a", Ping: "ftp://host"},
		"Keep":      {Name: "a", Keep: firn.Keep{Last: -5}},
		"MaxAge":    {Name: "a", MaxAge: -time.Hour},
	} {
		db := f.repo.Database(f.path("app.db"), e)
		if _, err := db.Backup(t.Context(), firn.BackupOptions{}); err == nil {
			t.Errorf("%s: Backup: got no error", name)
		}
		if _, err := db.Snapshots(t.Context()); err == nil {
			t.Errorf("%s: Snapshots: got no error", name)
		}
	}
	if _, err := f.repo.Environment("staging").Backup(t.Context(), firn.BackupOptions{}); err == nil {
		t.Error("an environment that is not known: got no error")
	}
}

// TestConfigurationIsReadWhenNamed uses a firn.toml, and none that lies around.
func TestConfigurationIsReadWhenNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	text := "repository = \"repo\"\nkey_file = \"firn.key\"\n[env.production]\ndatabase = \"app.db\"\nkeep = { last = 2 }\n"
	if err := os.WriteFile(f.path("firn.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := f.open("", firn.Options{ConfigFile: f.path("firn.toml"), CacheDir: f.path("cache")})
	if got := r.Environments(); !slices.Equal(got, []string{"production"}) {
		t.Errorf("got environments %q", got)
	}
	app := r.Environment("production")
	for range 3 {
		if _, err := app.Backup(t.Context(), firn.BackupOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := app.Snapshots(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("got %d snapshots, %v, want the last two", len(list), err)
	}
}

func TestProgramIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	var log lockedBuffer
	var mu sync.Mutex
	var ended int
	r := f.open(f.path("repo"), firn.Options{
		KeyFile: f.key,
		Log:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Progress: func(p firn.Progress) {
			mu.Lock()
			defer mu.Unlock()
			if p.Ended {
				ended++
			}
		},
	})
	if _, err := r.Database(f.path("app.db"), firn.Environment{Name: "production"}).Backup(t.Context(), firn.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if ended == 0 || !strings.Contains(log.String(), "key file") {
		t.Errorf("got %d ends of tasks, and the log %s", ended, log.String())
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestRollbackIsNoticed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.backUp(firn.BackupOptions{})
	if err := os.CopyFS(f.path("old"), os.DirFS(f.path("repo"))); err != nil {
		t.Fatal(err)
	}
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	f.backUp(firn.BackupOptions{})
	if err := errors.Join(os.RemoveAll(f.path("repo")), os.Rename(f.path("old"), f.path("repo"))); err != nil {
		t.Fatal(err)
	}
	r := f.open(f.path("repo"), firn.Options{KeyFile: f.key})
	if err := r.Rollback(); !errors.Is(err, firn.ErrRolledBack) {
		t.Errorf("got %v, want ErrRolledBack", err)
	}
	if _, err := r.Find(t.Context(), "latest:production"); !errors.Is(err, firn.ErrRolledBack) {
		t.Errorf("Find: got %v, want ErrRolledBack", err)
	}
	accepted := f.open(f.path("repo"), firn.Options{KeyFile: f.key, AcceptRollback: true})
	if err := accepted.Rollback(); err != nil {
		t.Errorf("accepted: got %v", err)
	}
	if again := f.open(f.path("repo"), firn.Options{KeyFile: f.key}); again.Rollback() != nil {
		t.Errorf("after that: got %v", again.Rollback())
	}
}

// TestOneHandleForManyGoroutines does everything at once with one Repository, from 16 goroutines. Run it with the race
// detector. Afterwards the repository is whole, and so are the databases.
func TestOneHandleForManyGoroutines(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{Keep: firn.Keep{Last: 5, PreRestore: time.Hour}})
	base := f.backUp(firn.BackupOptions{}).Snapshot
	if err := base.Pin(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	next := f.backUp(firn.BackupOptions{}).Snapshot
	if err := next.Pin(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	offsite := f.open(f.path("offsite"), firn.Options{KeyFile: f.path("offsite.key"), Create: true})
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var all sync.WaitGroup
	for i, work := range f.everything(base, next, offsite) {
		all.Go(func() {
			for range rounds {
				if err := work(t.Context()); err != nil && !errors.Is(err, firn.ErrRunning) {
					t.Errorf("operation %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	if _, err := f.repo.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
	if _, err := offsite.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
	f.wantNames(base, "one")
	f.wantNames(next, "one", "two")
}

// everything returns 16 operations that may run at the same time.
func (f *fixture) everything(base, next *firn.Snapshot, offsite *firn.Repository) []func(context.Context) error {
	var work []func(context.Context) error
	add := func(w func(context.Context) error) { work = append(work, w) }
	for i := range 4 { // databases of their own
		name := fmt.Sprintf("own%d.db", i)
		f.exec(name, "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)")
		own := f.repo.Database(f.path(name), firn.Environment{Name: fmt.Sprintf("own%d", i), Keep: firn.Keep{Last: 3}})
		add(func(ctx context.Context) error {
			f.exec(name, "INSERT INTO item(name) VALUES(hex(randomblob(2000)))")
			_, err := own.Backup(ctx, firn.BackupOptions{})
			return err
		})
	}
	target := f.repo.Database(f.path("target.db"), firn.Environment{Name: "target"})
	add(func(ctx context.Context) error { _, err := f.app.Backup(ctx, firn.BackupOptions{}); return err })
	add(func(ctx context.Context) error {
		_, err := target.Restore(ctx, base, firn.RestoreOptions{})
		return err
	})
	add(func(ctx context.Context) error {
		_, err := next.RestoreTo(ctx, f.path("file.db"), firn.RestoreOptions{})
		return err
	})
	add(func(ctx context.Context) error { _, err := base.Verify(ctx); return err })
	add(func(ctx context.Context) error { return next.Dump(ctx, io.Discard, firn.FormatDB) })
	add(func(ctx context.Context) error {
		db := next.DB()
		defer db.Close()
		return db.QueryRowContext(ctx, "SELECT name FROM item WHERE id = ?", 2).Scan(new(string))
	})
	add(func(ctx context.Context) error {
		c, err := f.repo.Diff(ctx, base, next)
		if err == nil {
			_, err = c.Count(ctx)
		}
		return err
	})
	add(func(ctx context.Context) error {
		_, err := f.repo.CopyTo(ctx, offsite, firn.CopyOptions{Environments: []string{"production"}})
		return err
	})
	add(func(ctx context.Context) error { _, err := f.repo.Status(ctx); return err })
	add(func(ctx context.Context) error { _, err := f.repo.Prune(ctx); return err })
	add(func(ctx context.Context) error { _, err := f.repo.Check(ctx, true); return err })
	add(func(ctx context.Context) error {
		_, err := f.app.Retain(ctx, firn.RetainOptions{Keep: firn.Keep{Last: 2}})
		return errors.Join(err, base.AddTags(ctx, "seen"))
	})
	return work
}
