package restore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/crypt"
	"firn/internal/dbtest"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/restore"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
	"firn/store/local"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}

// place is a folder with a configuration of two environments, and a repository of snapshots of one of them.
type place struct {
	dir     string
	session *session.Session
	notes   *notes
}

// notes keeps the messages of a session.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, text)
}

const configuration = `repository = "repo"
key_file = "key"
[env.production]
database = "app.db"
[env.demo]
database = "demo.db"
name = "app"
scrub = "scrub.sql"
require_scrub = true
`

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), notes: &notes{}}
	key := crypt.NewKeyFile()
	p.write(t, "key", key.String()+"\n")
	p.write(t, "firn.toml", configuration)
	p.write(t, "scrub.sql", "UPDATE t SET a = 'nothing';")
	p.sql(t, "app.db", "CREATE TABLE t(a); INSERT INTO t VALUES ('one')")
	st, err := local.Create(p.path("repo"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Init(t.Context(), repo.Options{Store: st, Host: "test", Tool: "test"}, repo.NewKey{Credential: key.Credential()})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	caller := &session.Caller{
		Reporter: &report.Reporter{Warned: p.notes.add, Noted: p.notes.add},
		Getenv:   func(string) string { return "" }, Now: time.Now, Zone: time.UTC, Silence: site.StuckSilence, Tool: "test",
	}
	caller.Settings.Config, caller.Settings.CacheDir = p.path("firn.toml"), p.path("cache")
	if p.session, err = caller.Open(t.Context(), session.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.session.Close)
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *place) sql(t *testing.T, name, statements string) {
	t.Helper()
	db := dbtest.Open(t, p.path(name))
	defer db.Close()
	dbtest.Exec(t, db, statements)
}

// content returns the column of all rows of a database.
func (p *place) content(t *testing.T, name string) (text string) {
	t.Helper()
	db := dbtest.Open(t, p.path(name))
	defer db.Close()
	if err := db.QueryRow("SELECT group_concat(a) FROM t").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *place) backUp(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	opts := repo.BackupOptions{Environment: "production", Database: "app"}
	result, err := p.session.Repo.Backup(t.Context(), site.Source(p.path("app.db"), sqlite.Options{}), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result.Snapshot
}

func (p *place) begin(t *testing.T, o restore.Options) *restore.Operation {
	t.Helper()
	op, err := restore.New(p.session, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := op.Close(); err != nil {
			t.Error(err)
		}
	})
	return op
}

func (p *place) run(t *testing.T, o restore.Options) *restore.Result {
	t.Helper()
	result, err := p.begin(t, o).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A plan says what would happen, and does nothing of it. The run does it, and an undo puts back what it has replaced.
func TestPlanRunUndo(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.backUp(t)
	p.sql(t, "app.db", "INSERT INTO t VALUES ('two')")

	op := p.begin(t, restore.Options{Environment: "production", Snapshot: "latest"})
	plan, err := op.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if plan.Snapshot.ID != s.ID || plan.Target.Environment != "production" || !plan.Target.Exists || plan.Target.Size == 0 || plan.Target.Modified.IsZero() {
		t.Errorf("got the plan %+v", plan)
	}
	if !plan.SavesSnapshot() || plan.KeepsFile() || plan.Scrub != "" || plan.Stop != "" {
		t.Errorf("got the steps %+v, want one that saves a snapshot", plan)
	}
	now, err := op.CountRows(t.Context())
	if total, known := now.Total(); err != nil || total != 2 || !known {
		t.Errorf("got %v, %v in the target, want 2 rows", now, err)
	}
	if got := restore.RowsOf(plan.Snapshot.Image()).Differing(now); len(got) != 1 || got[0] != "t" {
		t.Errorf("got %q as differing tables, want t", got)
	}
	if got := p.content(t, "app.db"); got != "one,two" {
		t.Fatalf("after the plan the target holds %s", got)
	}

	result, err := op.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := p.content(t, "app.db"); got != "one" || result.Saved == nil || result.PagesWritten == 0 {
		t.Errorf("got %s, %+v", got, result)
	}
	if _, err := op.Run(t.Context()); err == nil {
		t.Error("an operation ran twice")
	}
	p.run(t, restore.Options{Environment: "production", Undo: true})
	if got := p.content(t, "app.db"); got != "one,two" {
		t.Errorf("the undo put back %s", got)
	}
}

// A program can offer the snapshots and choose one of them.
func TestChoose(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	first := p.backUp(t)
	p.sql(t, "app.db", "INSERT INTO t VALUES ('two')")
	second := p.backUp(t)
	op := p.begin(t, restore.Options{From: "production", Target: p.path("out.db")})
	if _, err := op.Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "no snapshot is chosen") {
		t.Errorf("a plan without a choice: got %v", err)
	}
	list, err := op.Choices(t.Context())
	if err != nil || len(list) != 2 || list[0].ID != second.ID || list[1].ID != first.ID {
		t.Fatalf("got the choices %v, %v", list, err)
	}
	if err := op.Choose(t.Context(), "nonsense"); !errors.Is(err, snapshot.ErrNotFound) {
		t.Errorf("got %v, want that there is none", err)
	}
	if err := op.Choose(t.Context(), list[1].ID.String()); err != nil {
		t.Fatal(err)
	}
	result, err := op.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := p.content(t, "out.db"); got != "one" || result.Saved != nil {
		t.Errorf("got %s, %+v", got, result)
	}
}

// A clone is scrubbed as the target's environment says, and the plan says so.
func TestCloneIsScrubbed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.backUp(t)
	op := p.begin(t, restore.Options{Environment: "demo", From: "production", Snapshot: "latest"})
	plan, err := op.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	result, err := op.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := p.content(t, "demo.db"); got != "nothing" || result.Scrub != p.path("scrub.sql") || plan.Scrub != result.Scrub {
		t.Errorf("got %s, scrubbed with %q, planned %q", got, result.Scrub, plan.Scrub)
	}
}

// The target of a restore is found, and a mistake comes out, before the repository is opened.
func TestNewNeedsNoRepository(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	started, err := p.session.Caller.Start(session.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := int64(3)
	for name, o := range map[string]restore.Options{
		"Nothing":      {},
		"Undo":         {Undo: true},
		"UndoOfFile":   {Undo: true, Target: p.path("app.db"), From: "production"},
		"BeforeSchema": {Environment: "production", BeforeSchema: &old, Snapshot: "latest"},
		"Unknown":      {Environment: "staging"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := restore.New(started, o)
			if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
				t.Errorf("got %v, want a mistake in the options", err)
			}
		})
	}
	op, err := restore.New(started, restore.Options{Environment: "production", Snapshot: "latest"})
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	p.backUp(t)
	if err := started.OpenRepository(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer started.Close()
	if _, err := op.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// Operations of several goroutines use one session at once. Of two with the same target, one at a time replaces it.
func TestOperationsAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.backUp(t)
	var running sync.WaitGroup
	for i := range 16 {
		running.Go(func() {
			target := p.path("out" + string(rune('a'+i%8)) + ".db")
			op, err := restore.New(p.session, restore.Options{From: "production", Snapshot: "latest", Target: target})
			if err != nil {
				t.Error(err)
				return
			}
			defer op.Close()
			if _, err := op.Plan(t.Context()); err != nil {
				t.Error(err)
				return
			}
			if _, err := op.Run(t.Context()); err != nil && !errors.Is(err, outcome.ErrRunning) {
				t.Logf("%s: %v", target, err) // it may have appeared since the plan
			}
		})
	}
	running.Wait()
	for i := range 8 {
		if got := p.content(t, "out"+string(rune('a'+i))+".db"); got != "one" {
			t.Errorf("got %s", got)
		}
	}
}

// A restore that is cancelled leaves the target as it was.
func TestCancelled(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.backUp(t)
	p.sql(t, "app.db", "INSERT INTO t VALUES ('two')")
	op := p.begin(t, restore.Options{Environment: "production", Snapshot: "latest"})
	if _, err := op.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if result, err := op.Run(ctx); !errors.Is(err, context.Canceled) || result != nil {
		t.Errorf("got %+v, %v", result, err)
	}
	if got := p.content(t, "app.db"); got != "one,two" {
		t.Errorf("got %s", got)
	}
}
