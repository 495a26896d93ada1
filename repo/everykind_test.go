package repo_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/store"
	"firn/store/storetest"
)

// everyKind makes a world that holds every kind of object and blob: two keys, a
// plan that condemns, the partial record of an upload that died, a note, packs with
// deltas, rounds, tombstones and a sign of life.
func everyKind(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	if _, err := open(t, w.st).AddKey(context.Background(), crypt.KeyFileOf([]byte{9}).Credential(), "second"); err != nil {
		t.Fatal(err)
	}
	b := pages(1, 50)
	w.take(t, "production", b)
	note(t, open(t, w.st), w.take(t, "production", touch(b, 1, 5)).ID, "")
	w.forget(t, w.take(t, "demo", pages(8, 20)).ID)
	pruneAll(t, w.st)
	dieWithPartial(t, w, pages(4, 20))
	leaveRounds(t, w)
	return w
}

// leaveRounds adds three rounds: one that was forgotten, and two of two databases, of which the later has deltas on the
// earlier, with a snapshot that was forgotten. A watch has said that it is alive.
func leaveRounds(t testing.TB, w *world) {
	t.Helper()
	watch := watch(t, w, w.st)
	watch.images["old"] = pages(30, 1)
	gone := watch.take("old")
	for n := range uint64(2) {
		watch.change("tenant-a", n)
		watch.change("tenant-b", n)
		gone = append(gone, watch.take("tenant-a", "tenant-b")...)
	}
	watch.confirm()
	w.forget(t, gone[0].ID)
	w.forget(t, gone[2].ID)
	if err := watch.repo.PutAlive(context.Background(), repo.Alive{Began: time.Now(), Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

// idle reports whether prunes do not read an object of this name.
func idle(name string) bool { return isNote(name) || strings.HasPrefix(name, "meta/alive-") }

// largest returns the largest object below a prefix.
func largest(t testing.TB, st store.Store, prefix string) store.Object {
	t.Helper()
	return slices.MaxFunc(objectsOf(t, st, prefix), func(a, b store.Object) int { return cmp.Compare(a.Size, b.Size) })
}

// dieWithPartial begins a long upload of b that writes a partial record, and
// dies before the snapshot's record.
func dieWithPartial(t testing.TB, w *world, b []byte) {
	t.Helper()
	ctx, die := context.WithCancel(context.Background())
	opts := options(storetest.NewHooked(w.st, func(op, name string) {
		if op == "put" && snapshotName(name) {
			die()
		}
	}))
	opts.Now = hourly(time.Now())
	r, err := repo.Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Backup(ctx, sourceOf(b), repo.BackupOptions{Environment: "production", Database: "app"})
	if !errors.Is(err, context.Canceled) || countOf(t, w.st, "meta/part-") == 0 {
		t.Fatalf("backup: got %v and %d partial records, want it to die after one", err, countOf(t, w.st, "meta/part-"))
	}
}

// hourly returns a clock that is an hour and a minute later at each look.
func hourly(start time.Time) func() time.Time {
	return func() time.Time {
		start = start.Add(61 * time.Minute)
		return start
	}
}
