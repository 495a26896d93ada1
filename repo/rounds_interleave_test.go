package repo_test

import (
	"context"
	"errors"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
)

// deadRound leaves a round of which all snapshots are forgotten and a part is needed, one of which one is, and one that
// is condemned.
func deadRound(t testing.TB, w *world) {
	t.Helper()
	v := watch(t, w, w.st)
	v.images["c"] = pages(21, 40)
	condemned := v.take("c")
	v.confirm()
	w.forget(t, condemned[0].ID)
	pruneAll(t, w.st)
	v = watch(t, w, w.st)
	v.images["a"], v.images["b"] = pages(22, 60), pages(23, 40)
	dead := v.take("a", "b")
	v.images["a"] = touch(v.images["a"], 1, 3)
	half := v.take("a", "c")
	v.confirm()
	w.take(t, "b", v.images["b"])
	w.forget(t, dead[0].ID, dead[1].ID, half[1].ID)
}

// watchSome watches four databases for three rounds, and confirms two of them together. It tells the world of the
// snapshots that were acknowledged.
func watchSome(ctx context.Context, w *world, r *repo.Repo) error {
	rounds, err := r.NewRounds(ctx)
	if err != nil {
		return err
	}
	a, b, c := pages(22, 60), pages(23, 40), pages(21, 40)
	pending := make(map[*snapshot.Snapshot][]byte)
	for i, round := range []map[string][]byte{
		{"a": touch(a, 2, 3), "b": b, "c": c}, // b is in a round that is dead, c in one that is condemned
		{"a": touch(a, 3, 3), "d": c},
		{"a": touch(a, 3, 4), "b": touch(b, 4, 2)},
	} {
		if err := takeSome(ctx, rounds, round, pending); err != nil {
			return err
		}
		if i == 0 {
			continue // it waits for the next one
		}
		confirmed, err := rounds.Confirm(ctx)
		if confirmed != nil {
			for _, s := range confirmed.Acknowledged {
				w.images[s.ID] = pending[s]
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeSome takes a round of images, by the names of their environments.
func takeSome(ctx context.Context, rounds *repo.Rounds, images map[string][]byte, pending map[*snapshot.Snapshot][]byte) error {
	var members []repo.RoundMember
	for _, env := range []string{"a", "b", "c", "d"} {
		if b := images[env]; b != nil {
			members = append(members, repo.RoundMember{Source: fingerprinted(b, ""), Options: repo.BackupOptions{Environment: env, Database: "app"}})
		}
	}
	result, err := rounds.Take(ctx, members)
	if err != nil {
		return err
	}
	for _, m := range result.Members {
		if m.Err != nil {
			return m.Err
		}
		if !m.Skipped {
			pending[m.Snapshot] = images[m.Snapshot.Environment]
		}
	}
	return nil
}

// TestRoundsInterrupted lets other hosts do something before each call of a watch.
func TestRoundsInterrupted(t *testing.T) {
	t.Parallel()
	all := meanwhile()
	all["BackupAndTwoPrunes"] = func(t testing.TB, w *world) { // it relies on what no round has confirmed
		w.take(t, "e", touch(pages(22, 60), 2, 3))
		pruneAll(t, w.st)
		pruneAll(t, w.st)
	}
	for other, act := range all {
		t.Run(other, func(t *testing.T) {
			t.Parallel()
			interrupted(t, deadRound, func(t testing.TB, w *world, st store.Store) {
				err := operation{run: watchSome}.start(t.Context(), w, st)
				if err != nil && !errors.Is(err, repo.ErrUnsettled) {
					t.Fatal(err)
				}
			}, act)
		})
	}
}

// TestRoundsForgottenEarly lets another host forget all snapshots before each call of a watch, also those that are not
// acknowledged yet. These may be acknowledged and stay forgotten, or come back under another ID.
func TestRoundsForgottenEarly(t *testing.T) {
	t.Parallel()
	var gone []snapshot.ID
	interrupted(t, deadRound, func(t testing.TB, w *world, st store.Store) {
		if err := (operation{run: watchSome}).start(t.Context(), w, st); err != nil {
			t.Fatal(err)
		}
		for _, id := range gone {
			delete(w.images, id)
		}
	}, func(t testing.TB, w *world) {
		gone = forgetShown(t, w)
		pruneAll(t, w.st)
	})
}

// forgetShown forgets all snapshots, and returns them.
func forgetShown(t testing.TB, w *world) (ids []snapshot.ID) {
	t.Helper()
	list, err := open(t, w.st).Snapshots(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	w.forget(t, ids...)
	return ids
}

// TestPruneWithDeadRoundInterrupted lets other hosts do something before each call of a prune that has rounds to condemn, to
// copy from, and to delete.
func TestPruneWithDeadRoundInterrupted(t *testing.T) {
	t.Parallel()
	all := meanwhile()
	all["Watch"] = func(t testing.TB, w *world) {
		if err := watchSome(context.Background(), w, open(t, w.st)); err != nil {
			t.Fatal(err)
		}
	}
	for other, act := range all {
		t.Run(other, func(t *testing.T) {
			t.Parallel()
			interrupted(t, deadRound, func(t testing.TB, w *world, st store.Store) {
				if err := (operation{run: pruneNow}).start(t.Context(), w, st); err != nil {
					t.Fatal(err)
				}
			}, act)
		})
	}
}
