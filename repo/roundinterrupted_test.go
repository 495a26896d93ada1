package repo_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/crypt"
	"firn/pack"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
)

// TestRoundInterrupted has other hosts act before each call of a watch.
func TestRoundInterrupted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(testing.TB, *world){"Fresh": twoRounds, "Forgotten": forgottenRound} {
		for other, act := range meanwhile() {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				interrupted(t, prepare, func(t testing.TB, w *world, st store.Store) {
					err := operation{run: roundsOf(func(*world) {})}.start(t.Context(), w, st)
					if err != nil && !errors.Is(err, repo.ErrUnsettled) {
						t.Fatal(err)
					}
				}, act)
			})
		}
	}
}

// TestPruneOfRoundsInterrupted has other hosts act before each call of the prunes that condemn and sweep a round.
func TestPruneOfRoundsInterrupted(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"Condemn": 0, "Sweep": 1, "SweepTombstone": 2} {
		for other, act := range meanwhile() {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				prepare := func(t testing.TB, w *world) {
					forgottenRound(t, w)
					for range before {
						pruneAll(t, w.st)
					}
				}
				interrupted(t, prepare, func(t testing.TB, w *world, st store.Store) {
					if err := (operation{run: pruneNow}).start(t.Context(), w, st); err != nil {
						t.Fatal(err)
					}
				}, act)
			})
		}
	}
}

// hiding is a store whose listings of all below meta/ do not show rounds, as if these began too early for that.
type hiding struct{ store.Store }

func (h hiding) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range h.Store.List(ctx, prefix) {
			if prefix == "meta/" && strings.HasPrefix(o.Name, "meta/round-") {
				continue
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// TestTombstoneOutlivesRound prunes by a listing that shows a tombstone and not yet its round: the tombstone stays, as else
// the snapshot that was forgotten would be back.
func TestTombstoneOutlivesRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watch := watch(t, w, w.st)
	watch.change("a", 1)
	gone := watch.take("a")
	watch.confirm()
	w.forget(t, gone[0].ID)
	pruneAll(t, hiding{w.st})
	if got := listed(t, w.st); len(got) > 0 || countOf(t, w.st, "meta/gone-") != 1 {
		t.Errorf("%d snapshots, %d tombstones, want none and one", len(got), countOf(t, w.st, "meta/gone-"))
	}
}

// TestLaterRounds has a round or a tombstone of a later version of firn: backups and watches go on, and so does forgetting.
// Prunes and repairs change nothing.
func TestLaterRounds(t *testing.T) {
	t.Parallel()
	for what, put := range map[string]func(testing.TB, store.Store, *crypt.Keys){
		"Tombstone": func(t testing.TB, st store.Store, keys *crypt.Keys) {
			name := "meta/gone-" + strings.Repeat("0a", 16)
			replace(t, st, name, keys.SealObject(crypt.ObjectTombstone, name, []byte(`{"v":2,"rounds":7}`)))
		},
		"Alive": func(t testing.TB, st store.Store, keys *crypt.Keys) {
			name := "meta/alive-" + strings.Repeat("0a", 16)
			replace(t, st, name, keys.SealObject(crypt.ObjectAlive, name, []byte(`{"v":2,"watched":7}`)))
		},
		"Round": func(t testing.TB, st store.Store, keys *crypt.Keys) {
			w := pack.NewWriter(keys, pack.NewID())
			w.MakeRound(pack.NewRoundID(time.Now()), frame(t, `{"v":2,"snapshots":7}`))
			object, _, _, err := w.Finish()
			if err != nil {
				t.Fatal(err)
			}
			replace(t, st, w.ID().Name(), object)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := everyKind(t)
			put(t, w.st, keysOf(t, w.st))
			watch := watch(t, w, w.st)
			watch.change("tenant-a", 70)
			s := watch.take("tenant-a")[0]
			watch.confirm()
			r := open(t, w.st)
			if err := r.PutAlive(t.Context(), repo.Alive{Began: time.Now(), Time: time.Now()}); err != nil {
				t.Errorf("sign of life: %v", err)
			}
			if err := r.Forget(t.Context(), s.ID); err != nil {
				t.Errorf("forget: %v", err)
			}
			if list, _ := open(t, w.st).Snapshots(t.Context()); containsID(list, s.ID) {
				t.Error("a snapshot was not forgotten")
			}
			_, err := open(t, w.st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
			if later := what != "Alive"; later != errors.Is(err, repo.ErrVersion) || !later && err != nil {
				t.Errorf("prune: got %v", err)
			}
			if _, err := open(t, w.st).Diagnose(t.Context(), nil); !errors.Is(err, repo.ErrVersion) {
				t.Errorf("diagnose: got %v, want ErrVersion", err)
			}
		})
	}
}

func containsID(list []*snapshot.Snapshot, id snapshot.ID) bool {
	for _, s := range list {
		if s.ID == id {
			return true
		}
	}
	return false
}

// TestSignsOfLife replaces what a watch has said. Another watch's, and that of a later beginning, stay. No cache grows by it.
func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "objects"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	put := func(host string, began time.Time, n int) {
		opts := options(w.st)
		opts.Host, opts.CacheDir = host, dir
		r := openAs(t, opts)
		defer r.Close()
		if err := r.PutAlive(t.Context(), repo.Alive{Began: began, Time: began.Add(time.Duration(n) * time.Second)}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Snapshots(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	put("other", began, 1)
	put("host", began.Add(time.Hour), 2) // a second watch of this host
	for n := range 3 {
		put("host", began, 3+n)
	}
	before := size()
	for n := range 20 {
		put("host", began, 6+n)
	}
	if got := size(); got > before+1000 { // twenty objects have 4,600
		t.Errorf("the cache has grown from %d to %d bytes", before, got)
	}
	all, err := open(t, w.st).Alives(t.Context())
	if err != nil || len(all) != 3 || all[0].Host != "host" || !all[0].Began.Equal(began.Add(time.Hour)) || !all[1].Time.Equal(began.Add(25*time.Second)) {
		t.Errorf("got %+v, %v, want the newest of three watches", all, err)
	}
	put("host", began.Add(2*time.Hour), 1) // a new watch stands for those before
	if got := countOf(t, w.st, "meta/alive-"); got != 2 {
		t.Errorf("%d signs of life, want that of the other host and one", got)
	}
	name := firstName(t, w.st, "meta/alive-")
	if kind, err := crypt.ParseHeader(read(t, w.st, name)); kind != crypt.ObjectAlive || err != nil {
		t.Errorf("kind %d, %v", kind, err)
	}
}
