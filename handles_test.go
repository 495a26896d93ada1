package firn_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firn"
)

// TestHandleShowsWhatOthersStored has a program that opens the repository just before another one stores a snapshot.
func TestHandleShowsWhatOthersStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	early := f.open(f.path("repo"), firn.Options{KeyFile: f.key})
	want := f.backUp(firn.BackupOptions{}).Snapshot
	if got, err := early.Find(t.Context(), "latest:production"); err != nil || got.ID != want.ID {
		t.Errorf("got %v, %v, want %s", got, err, want.ID)
	}
}

// TestProgramsMakeOneRepository has several programs begin at once where there is neither a repository nor a key.
func TestProgramsMakeOneRepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for location, o := range map[string]firn.Options{
		filepath.Join(dir, "first"):  {KeyFile: filepath.Join(dir, "firn.key")},
		filepath.Join(dir, "second"): {Password: "a password of some length"},
	} {
		o.Create, o.CacheDir = true, location+"-cache"
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				r, err := firn.Open(t.Context(), location, o)
				if err != nil {
					t.Error(err)
					return
				}
				r.Close()
			})
		}
		all.Wait()
	}
}

// TestSnapshotOfAnotherRepository gives a repository what it does not have: that is no damage.
func TestSnapshotOfAnotherRepository(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	own := f.backUp(firn.BackupOptions{}).Snapshot
	offsite := f.open(f.path("offsite"), firn.Options{KeyFile: f.path("offsite.key"), Create: true})
	taken, err := offsite.Database(f.path("app.db"), firn.Environment{Name: "production"}).Backup(t.Context(), firn.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := f.open(f.path("repo"), firn.Options{KeyFile: f.key})
	same, err := again.Find(t.Context(), own.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*firn.Snapshot{taken.Snapshot, nil, {}} {
		_, diffErr := f.repo.Diff(t.Context(), own, s)
		_, restoreErr := f.app.Restore(t.Context(), s, firn.RestoreOptions{})
		for _, err := range []error{diffErr, restoreErr, f.repo.Forget(t.Context(), own, s)} {
			if code, _ := firn.Explain(err); code != 2 || errors.Is(err, firn.ErrNotFound) != (s == taken.Snapshot) {
				t.Errorf("got %d, %v", code, err)
			}
		}
	}
	if _, err := f.repo.Diff(t.Context(), own, same); err != nil {
		t.Errorf("another handle of the repository: %v", err)
	}
}

// TestOpenSaysWhichOptionIsMissing checks that no message speaks of flags, which a program does not have.
func TestOpenSaysWhichOptionIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	for _, c := range []struct {
		location string
		options  firn.Options
	}{
		{"", firn.Options{KeyFile: f.key}},
		{f.path("repo"), firn.Options{}},
		{f.path("repo"), firn.Options{KeyFile: f.key, Password: "secret"}},
		{f.path("repo"), firn.Options{Password: "secret"}},
	} {
		_, err := firn.Open(t.Context(), c.location, c.options)
		if err == nil {
			t.Errorf("%+v: opened", c.options)
			continue
		}
		_, hint := firn.Explain(err)
		if text := err.Error() + hint; strings.Contains(text, "the flags") || strings.Contains(text, "--") || strings.Contains(text, "secret") {
			t.Errorf("%+v: %v (%s)", c.options, err, hint)
		}
	}
}

// TestDeadlineIsTheError has contexts end at any moment of a query and of a prune.
func TestDeadlineIsTheError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	f.exec("app.db", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO item(name) SELECT hex(randomblob(2000)) FROM n")
	taken := f.backUp(firn.BackupOptions{}).Snapshot
	db := taken.DB()
	defer db.Close()
	endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, item"
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*20*time.Microsecond)
		if err := db.QueryRowContext(ctx, endless).Scan(new(int)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("query: got %v", err)
		}
		if _, err := f.repo.Prune(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("prune: got %v", err)
		}
		cancel()
	}
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM item").Scan(new(int)); err != nil {
		t.Errorf("after all: %v", err)
	}
}

// TestClosedPlanChangesNothing has a person say no, and a program that goes on.
func TestClosedPlanChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	taken := f.backUp(firn.BackupOptions{}).Snapshot
	f.exec("app.db", "INSERT INTO item(name) VALUES('two')")
	plan, err := f.app.PlanRestore(t.Context(), taken, firn.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Close(); err != nil {
		t.Fatal(err)
	}
	if result, err := plan.Run(t.Context()); result != nil || err == nil {
		t.Errorf("got %+v, %v", result, err)
	}
	f.wantNames(f.backUp(firn.BackupOptions{}).Snapshot, "one", "two")
}

// TestSnapshotSaysItsName prints a snapshot which consists of two addresses.
func TestSnapshotSaysItsName(t *testing.T) {
	t.Parallel()
	f := newFixture(t, firn.Environment{})
	taken := f.backUp(firn.BackupOptions{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}).Snapshot
	want := taken.ID.Short() + " of app in production at 2026-03-01T12:00:00Z"
	if got := fmt.Sprint(taken, (*firn.Snapshot)(nil)); got != want+" no snapshot" {
		t.Errorf("got %q, want %q", got, want)
	}
}
