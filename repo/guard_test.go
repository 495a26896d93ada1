package repo_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/tags"
)

// rowsImage is an image that says of itself that it has so many rows.
type rowsImage struct {
	image
	rows int64
}

func (i *rowsImage) Describe() snapshot.Image {
	described := i.image.Describe()
	described.SetRows([]snapshot.TableRows{{Name: "t", Rows: i.rows}})
	return described
}

// guarded backs up b, which has so many rows.
func (w *world) guarded(t testing.TB, b []byte, rows int64, opts repo.BackupOptions) *repo.BackupResult {
	t.Helper()
	if opts.Environment == "" {
		opts.Environment = "production"
	}
	opts.Database = "app"
	source := func(context.Context) (repo.SourceImage, error) {
		return &rowsImage{image{Reader: bytes.NewReader(b)}, rows}, nil
	}
	result, err := open(t, w.st).Backup(t.Context(), source, opts)
	if err != nil {
		t.Fatal(err)
	}
	w.images[result.Snapshot.ID] = b
	for _, d := range result.Forgotten {
		id, err := snapshot.ParseID(d.ID)
		if err != nil {
			t.Fatal(err)
		}
		delete(w.images, id)
	}
	return result
}

// TestGuard follows an environment through a disaster and the backups after it.
func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole, rest := pages(1, 60), pages(1, 8)
	guard := repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}, Keep: &retention.Policy{Last: 1}}
	good := w.guarded(t, whole, 900, guard)
	if len(good.Snapshot.Suspect) > 0 || good.Good != nil {
		t.Errorf("the first: got suspect %q, compared with %v, want nothing", good.Snapshot.Suspect, good.Good)
	}
	for range 3 { // as often as it comes
		bad := w.guarded(t, rest, 9, guard)
		if want := []string{"it has 9 rows, it had 900"}; !slices.Equal(bad.Snapshot.Suspect, want) || bad.Good.ID != good.Snapshot.ID {
			t.Fatalf("got suspect %q, compared with %s, want %q, %s", bad.Snapshot.Suspect, bad.Good.ID.Short(), want, good.Snapshot.ID.Short())
		}
		w.verify(t) // the good one is still there
	}
	// A restore saves the database before it replaces it, and the backups after that know by this.
	saved := w.guarded(t, rest, 9, repo.BackupOptions{ReplacedBy: good.Snapshot.ID})
	again := w.guarded(t, whole, 900, guard)
	if len(saved.Snapshot.Suspect)+len(again.Snapshot.Suspect) > 0 || again.Good.ID != good.Snapshot.ID {
		t.Errorf("after a restore: got suspect %q, %q, want nothing", saved.Snapshot.Suspect, again.Snapshot.Suspect)
	}
	accepted := w.guarded(t, rest, 9, repo.BackupOptions{})
	if next := w.guarded(t, rest, 9, guard); len(next.Snapshot.Suspect) > 0 || next.Good.ID != accepted.Snapshot.ID {
		t.Errorf("after it was accepted: got suspect %q", next.Snapshot.Suspect)
	}
	w.verify(t)
}

// TestGuardAfterFailedRestore has a restore save its target and then fail, be killed, or be killed before the application
// goes on: the next backup is compared with the target as it was.
func TestGuardAfterFailedRestore(t *testing.T) {
	t.Parallel()
	guard := repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}}
	old, now := pages(1, 60), pages(2, 8)
	for _, tt := range []struct {
		name    string
		from    string // environment of what was to be restored
		noted   bool   // the restore says that it has failed
		image   []byte
		rows    int64
		suspect bool
	}{
		{"Failed", "production", true, now, 900, false},
		{"FailedAndWritten", "production", true, touch(now, 5, 2), 901, false},
		{"Killed", "production", false, now, 900, false},
		{"KilledAndWritten", "production", false, touch(now, 5, 2), 901, false},
		{"KilledClone", "other", false, now, 900, false},
		{"FailedAndLost", "production", true, pages(3, 1), 9, true},
		{"KilledAndLost", "production", false, pages(3, 1), 9, true},
		{"FailedCloneAndLost", "other", true, pages(3, 1), 9, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			restored := w.guarded(t, old, 9000, repo.BackupOptions{Environment: tt.from})
			good := w.guarded(t, now, 900, repo.BackupOptions{})
			saved := w.guarded(t, now, 900, repo.BackupOptions{ReplacedBy: restored.Snapshot.ID, Tags: tagged(t, repo.PreRestoreTag)})
			if tt.noted {
				n := snapshot.Note{Snapshot: saved.Snapshot.ID, NoUndo: &snapshot.NoUndo{Time: time.Now()}}
				if err := open(t, w.st).Note(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			next := w.guarded(t, tt.image, tt.rows, guard)
			if got := len(next.Snapshot.Suspect) > 0; got != tt.suspect {
				t.Errorf("got suspect %q, want some: %t", next.Snapshot.Suspect, tt.suspect)
			}
			if !tt.suspect && next.Good.ID != good.Snapshot.ID {
				t.Errorf("compared with %s, want %s", next.Good.ID.Short(), good.Snapshot.ID.Short())
			}
			w.verify(t)
		})
	}
}

func tagged(t testing.TB, names ...string) tags.Set {
	t.Helper()
	set, err := tags.New(names...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestGuardAfterClone has a clone that was scrubbed: it is no disaster that less is in it.
func TestGuardAfterClone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guard := &snapshot.Guard{MaxShrink: 0.5}
	production := w.guarded(t, pages(1, 60), 900, repo.BackupOptions{})
	w.guarded(t, pages(2, 60), 900, repo.BackupOptions{Environment: "demo"})
	w.guarded(t, pages(2, 60), 900, repo.BackupOptions{Environment: "demo", ReplacedBy: production.Snapshot.ID})
	clone := w.guarded(t, pages(3, 8), 9, repo.BackupOptions{Environment: "demo", Guard: guard})
	if len(clone.Snapshot.Suspect) > 0 || clone.Good != nil {
		t.Errorf("got suspect %q, want nothing", clone.Snapshot.Suspect)
	}
	if next := w.guarded(t, pages(3, 1), 1, repo.BackupOptions{Environment: "demo", Guard: &snapshot.Guard{}}); next.Good == nil || next.Good.ID != clone.Snapshot.ID {
		t.Errorf("then: got compared with %v, want the clone", next.Good)
	}
	w.verify(t)
}

// TestGuardAccepts records that an unchanged image was accepted, although nothing else is new.
func TestGuardAccepts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guard := repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}, IfChanged: true}
	w.guarded(t, pages(1, 60), 900, guard)
	bad := w.guarded(t, pages(1, 8), 9, guard)
	if next := w.guarded(t, pages(1, 8), 9, guard); !next.Skipped || next.Snapshot.ID != bad.Snapshot.ID {
		t.Errorf("unchanged: got skipped %t", next.Skipped)
	}
	if next := w.guarded(t, pages(1, 8), 9, repo.BackupOptions{IfChanged: true}); next.Skipped || len(next.Snapshot.Suspect) > 0 {
		t.Errorf("accepted: got skipped %t, suspect %q, want a record", next.Skipped, next.Snapshot.Suspect)
	}
	w.verify(t)
}

// TestGuardOfOldStates takes old states over, which are smaller than the present one. Each is compared with the one before it.
func TestGuardOfOldStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opts := func(days int) repo.BackupOptions {
		return repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}, Time: time.Now().AddDate(0, 0, -days)}
	}
	present := w.guarded(t, pages(1, 60), 900, repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}})
	for _, old := range []repo.BackupOptions{opts(400), opts(300)} {
		if result := w.guarded(t, pages(1, 8), 100, old); len(result.Snapshot.Suspect) > 0 {
			t.Errorf("state of %v: got suspect %q", old.Time, result.Snapshot.Suspect)
		}
	}
	if lost := w.guarded(t, pages(1, 9), 9, opts(200)); len(lost.Snapshot.Suspect) == 0 {
		t.Error("fewer rows than the state before: got a good one")
	}
	next := w.guarded(t, pages(1, 60), 100, repo.BackupOptions{Guard: &snapshot.Guard{MaxShrink: 0.5}})
	if len(next.Snapshot.Suspect) == 0 || next.Good.ID != present.Snapshot.ID {
		t.Errorf("fewer rows than the present state: got suspect %q, compared with %v", next.Snapshot.Suspect, next.Good.ID)
	}
	w.verify(t)
}
