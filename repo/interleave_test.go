package repo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"firn/pack"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/storetest"
)

// interruption lets something happen before the n-th call of a store.
type interruption struct {
	mu    sync.Mutex
	calls int
	at    int
	act   func()
}

func (i *interruption) hook(string, string) {
	i.mu.Lock()
	i.calls++
	now := i.calls == i.at
	i.mu.Unlock()
	if now {
		i.act()
	}
}

// interrupted tries an operation with an action before each of its calls.
func interrupted(t *testing.T, prepare func(testing.TB, *world), run func(testing.TB, *world, store.Store), act func(testing.TB, *world)) {
	t.Helper()
	prepared := newWorld(t)
	prepare(t, prepared)
	for _, shape := range shapes() {
		for n, last := 1, false; !last; n += stride() {
			w := prepared.clone(t)
			i := &interruption{at: n, act: func() { act(t, w) }}
			run(t, w, shape.of(storetest.NewHooked(w.st, i.hook)))
			w.verify(t)
			w.goOn(t, tiny)
			if t.Failed() {
				t.Fatalf("with an interruption before call %d of %d, listings %s", n, i.calls, shape.name)
			}
			last = i.calls < n
		}
	}
}

// meanwhile are the things that another host does.
func meanwhile() map[string]func(testing.TB, *world) {
	all := map[string]func(testing.TB, *world){
		"Prune": func(t testing.TB, w *world) { pruneAll(t, w.st) },
		"TwoPrunes": func(t testing.TB, w *world) {
			pruneAll(t, w.st)
			pruneAll(t, w.st)
		},
		"ForgetAndTwoPrunes": func(t testing.TB, w *world) {
			for id := range w.images { // the new snapshot is not among them yet
				w.forget(t, id)
			}
			pruneAll(t, w.st)
			pruneAll(t, w.st)
		},
		"Backup": func(t testing.TB, w *world) { w.take(t, "staging", next) },
		"Round": func(t testing.TB, w *world) {
			watch := watch(t, w, w.st)
			watch.images["staging"], watch.images["tenant"] = next, touch(next, 4, 4)
			watch.take("staging", "tenant")
			watch.confirm()
		},
	}
	if testing.Short() {
		return map[string]func(testing.TB, *world){"TwoPrunes": all["TwoPrunes"], "Round": all["Round"]}
	}
	return all
}

func TestBackupInterrupted(t *testing.T) {
	t.Parallel()
	backups := map[string]struct {
		prepare func(testing.TB, *world)
		run     func(context.Context, *world, *repo.Repo) error
	}{
		"First":     {func(testing.TB, *world) {}, backupOf(small, repo.BackupOptions{})},
		"Changed":   {deadPack, backupOf(next, repo.BackupOptions{})},
		"Unchanged": {unchangedSnapshot, backupOf(changed, repo.BackupOptions{})},
		"IfChanged": {unchangedSnapshot, backupOf(changed, repo.BackupOptions{IfChanged: true})},
		"Retention": {twoSnapshots, backupOf(next, repo.BackupOptions{Keep: &retention.Policy{Last: 2}})},
		"Condemned": {condemnedPack, backupOf(pages(8, 40), repo.BackupOptions{})},
		"Orphaned":  {deadPack, backupOf(pages(8, 40), repo.BackupOptions{})},
	}
	for name, b := range backups {
		for other, act := range meanwhile() {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				interrupted(t, b.prepare, func(t testing.TB, w *world, st store.Store) {
					err := operation{run: b.run}.start(t.Context(), w, st)
					if err != nil && !errors.Is(err, repo.ErrUnsettled) {
						t.Fatal(err)
					}
				}, act)
			})
		}
	}
}

func TestPruneInterrupted(t *testing.T) {
	t.Parallel()
	prepared := map[string]func(testing.TB, *world){
		"Condemn": deadPack, "Sweep": condemnedPack, "Repack": wastefulPack, "Rescue": rescuablePack,
	}
	for name, prepare := range prepared {
		for other, act := range meanwhile() {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				interrupted(t, prepare, func(t testing.TB, w *world, st store.Store) {
					if err := (operation{run: pruneNow}).start(t.Context(), w, st); err != nil {
						t.Fatal(err)
					}
				}, act)
			})
		}
	}
}

func TestCheckInterrupted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(testing.TB, *world){"Sweep": condemnedPack, "Repack": wastefulPack, "Rounds": twoRounds, "Forgotten": forgottenRound} {
		for other, act := range meanwhile() {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				interrupted(t, prepare, func(t testing.TB, w *world, st store.Store) {
					checkAll(t, st)
				}, act)
			})
		}
	}
}

// TestRestoreInterrupted moves the blobs of an image to other packs while it is
// restored.
func TestRestoreInterrupted(t *testing.T) {
	t.Parallel()
	interrupted(t, wastefulPack, func(t testing.TB, w *world, st store.Store) {
		r, err := repo.Open(context.Background(), options(st))
		if err != nil {
			t.Fatal(err)
		}
		w.restoreAll(t, r)
		w.restoreAll(t, r)
	}, meanwhile()["TwoPrunes"])
}

// TestBackupUnsettled lets a prune take away the backup's packs at each of its second looks.
func TestBackupUnsettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoSnapshots(t, w)
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		if op == "put" && snapshotName(name) {
			pruneAll(t, w.st)
		}
	})
	seed := uint64(10)
	source := func(ctx context.Context) (repo.SourceImage, error) {
		seed++ // what prunes rescue of one try is of no use to the next
		return sourceOf(pages(seed, 40))(ctx)
	}
	result, err := open(t, hooked).Backup(t.Context(), source, repo.BackupOptions{Environment: "production", Database: "app"})
	if !errors.Is(err, repo.ErrUnsettled) {
		t.Errorf("got %+v, %v, want ErrUnsettled", result, err)
	}
	w.restoreAll(t, open(t, w.st))
	w.goOn(t, tiny)
}

// TestUnconfirmedTriesDoNotCount makes the first try of a backup fail and its blobs available again before the second
// try. The record of the first try is neither the snapshot before, nor one that retention keeps.
func TestUnconfirmedTriesDoNotCount(t *testing.T) {
	t.Parallel()
	for _, opts := range []repo.BackupOptions{{IfChanged: true}, {Keep: &retention.Policy{Last: 2}}} {
		t.Run(fmt.Sprintf("IfChanged=%t", opts.IfChanged), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			twoSnapshots(t, w)
			looks := 0
			hooked := storetest.NewHooked(w.st, func(op, name string) {
				switch {
				case op == "put" && snapshotName(name):
					pruneAll(t, w.st) // condemns the new pack
				case op == "list" && name == "meta/":
					if looks++; looks == 3 { // after Open and the confirmation
						pruneAll(t, w.st) // rescues its blobs
					}
				}
			})
			result := backupResult(t, open(t, hooked), next, opts)
			if result.Skipped || result.Tries < 2 {
				t.Errorf("got skipped %t after %d tries, want a snapshot after at least 2", result.Skipped, result.Tries)
			}
			w.images[result.Snapshot.ID] = next
			for _, d := range result.Forgotten {
				id, _ := snapshot.ParseID(d.ID)
				delete(w.images, id)
			}
			if opts.Keep != nil && len(w.images) != 2 {
				t.Errorf("got %d snapshots kept, want 2", len(w.images))
			}
			w.verify(t)
		})
	}
}

// TestNamesakeKeepsSnapshots lets two hosts of one name back up one database. One
// has confirmed a snapshot against a plan that was published meanwhile; the
// other one, whose cache does not know its packs, must not take it for broken.
func TestNamesakeKeepsSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deadPack(t, w)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", small).ID] = small })
	once := sync.OnceFunc(func() {
		pruneAll(t, w.st)
		run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", changed).ID] = changed })
	})
	hooked := storetest.NewHooked(w.st, func(op, _ string) {
		if op == "put" {
			once()
		}
	})
	later := repo.BackupOptions{Time: time.Now().Add(time.Minute)}
	w.images[backupResult(t, open(t, hooked), next, later).Snapshot.ID] = next
	run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", small).ID] = small })
	w.verify(t)
}

// TestNamesakeSparesMovedSnapshots lets a host judge whether the newest snapshot,
// one of a namesake, is whole while prunes move its blobs to another pack: it
// may have listed the packs before, and read them after that.
func TestNamesakeSparesMovedSnapshots(t *testing.T) {
	t.Parallel()
	prepared, dir := newWorld(t), t.TempDir()
	run(t, prepared.st, dir, func(r *repo.Repo) { prepared.images[take(t, r, "production", small).ID] = small })
	hooked := storetest.NewHooked(prepared.st, func(op, name string) {
		if op == "list" && name == pack.Prefix {
			prepared.take(t, "production", changed) // too late for the prune to see more of it than its pack
		}
	})
	if got := pruneAll(t, hooked); got.Condemned != 1 {
		t.Fatalf("got %+v, want the new snapshot's pack condemned", got)
	}
	for n, last := 1, false; !last; n += stride() {
		w, own := prepared.clone(t), t.TempDir()
		if err := os.CopyFS(own, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		i := &interruption{at: n, act: func() {
			pruneAll(t, w.st) // rescues the blobs
			pruneAll(t, w.st)
		}}
		later := repo.BackupOptions{Time: time.Now().Add(time.Minute)}
		result := backupResult(t, cached(t, storetest.NewHooked(w.st, i.hook), own), next, later)
		w.images[result.Snapshot.ID] = next
		w.verify(t)
		if t.Failed() {
			t.Fatalf("with prunes before call %d of %d", n, i.calls)
		}
		last = i.calls < n
	}
}

// TestBrokenRecordBelowAnother lets a backup die when its record is there and its
// pack is gone, and another host take the next snapshot. The first one must still
// clean up after itself, or its record would stop all prunes.
func TestBrokenRecordBelowAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := options(w.st)
	host.CacheDir = t.TempDir()
	backUp := func(b []byte) {
		w.images[backupResult(t, openAs(t, host), b, repo.BackupOptions{}).Snapshot.ID] = b
	}
	backUp(small)
	ctx, die := context.WithCancel(t.Context())
	dying := host
	dying.Store = storetest.NewHooked(w.st, func(op, name string) {
		switch {
		case op == "put" && snapshotName(name):
			pruneAll(t, w.st)
			pruneAll(t, w.st)
		case op == "list" && name == "meta/gc-":
			die()
		}
	})
	opts := repo.BackupOptions{Environment: "production", Database: "app"}
	if _, err := openAs(t, dying).Backup(ctx, sourceOf(pages(6, 40)), opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the backup to die", err)
	}
	w.take(t, "production", changed)
	backUp(next)
	w.goOn(t, tiny)
}

func backupResult(t testing.TB, r *repo.Repo, b []byte, opts repo.BackupOptions) *repo.BackupResult {
	t.Helper()
	opts.Environment, opts.Database = "production", "app"
	result, err := r.Backup(context.Background(), fingerprinted(b, fingerprintOf(b)), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestForgottenWhileRestored restores a snapshot that another host forgets and
// prunes away.
func TestForgottenWhileRestored(t *testing.T) {
	t.Parallel()
	prepared := newWorld(t)
	b := pages(3, 300)
	s := prepared.take(t, "production", b)
	for n, last := 1, false; !last; n += stride() {
		w := prepared.clone(t)
		i := &interruption{at: n, act: func() {
			w.forget(t, s.ID)
			pruneAll(t, w.st)
			pruneAll(t, w.st)
		}}
		got, err := copyOf(open(t, storetest.NewHooked(w.st, i.hook)), s)
		if err == nil && !bytes.Equal(got, b) {
			t.Errorf("forgotten before call %d: got %d wrong bytes without an error", n, len(got))
		}
		last = i.calls < n
		if last && err != nil {
			t.Error(err)
		}
	}
}

// copyOf restores a snapshot.
func copyOf(r *repo.Repo, s *snapshot.Snapshot) ([]byte, error) {
	return copyIn(context.Background(), r, s)
}

func copyIn(ctx context.Context, r *repo.Repo, s *snapshot.Snapshot) ([]byte, error) {
	i, err := r.OpenImage(ctx, s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = i.Copy(ctx, &b)
	return b.Bytes(), err
}
