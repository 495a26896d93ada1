package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
)

// listed returns the snapshots that a fresh handle shows, by ID.
func listed(t testing.TB, st store.Store) map[snapshot.ID]*snapshot.Snapshot {
	t.Helper()
	list, err := open(t, st).Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[snapshot.ID]*snapshot.Snapshot, len(list))
	for _, s := range list {
		all[s.ID] = s
	}
	return all
}

// watchedWorld is a world with three rounds of two databases.
func watchedWorld(t testing.TB) (*watched, [][]*snapshot.Snapshot) {
	t.Helper()
	base := newWorld(t)
	w := watch(t, base, base.st)
	var rounds [][]*snapshot.Snapshot
	for n := range uint64(3) {
		w.change("a", 2*n)
		w.change("b", 2*n+1)
		rounds = append(rounds, w.take("a", "b"))
	}
	w.confirm()
	return w, rounds
}

// TestForgetInRounds forgets one snapshot of a round, the other, all of a round at once, and one that is in no listing. A
// round goes once all of its snapshots were forgotten, and the tombstones follow it.
func TestForgetInRounds(t *testing.T) {
	t.Parallel()
	w, rounds := watchedWorld(t)
	gone := func(want, tombstones, objects int, ids ...snapshot.ID) {
		t.Helper()
		w.forget(t, ids...)
		got := listed(t, w.st)
		if len(got) != want || slices.ContainsFunc(ids, func(id snapshot.ID) bool { return got[id] != nil }) {
			t.Errorf("%d snapshots are left, want %d", len(got), want)
		}
		if got := countOf(t, w.st, "meta/gone-"); got != tombstones {
			t.Errorf("%d tombstones, want %d", got, tombstones)
		}
		w.verify(t)
		for range 3 {
			pruneAll(t, w.st)
		}
		if got := countOf(t, w.st, "meta/round-"); got != objects {
			t.Errorf("%d rounds are left, want %d", got, objects)
		}
		w.verify(t)
	}
	gone(5, 1, 3, rounds[0][0].ID)
	gone(5, 1, 3, snapshot.NewID()) // in no listing
	gone(5, 1, 3, rounds[0][0].ID)  // once more: no second tombstone for it is needed, and none does harm
	gone(4, 2, 2, rounds[0][1].ID)  // the round is empty
	if got := countOf(t, w.st, "meta/gone-"); got != 0 {
		t.Errorf("%d tombstones are left of a round that is gone", got)
	}
	gone(2, 1, 1, rounds[1][0].ID, rounds[1][1].ID)
	w.goOn(t, pages(77, 20))
}

// TestNotesOfRounds notes facts on snapshots in rounds: they survive prunes for as long as the snapshots, and no longer.
func TestNotesOfRounds(t *testing.T) {
	t.Parallel()
	w, rounds := watchedWorld(t)
	kept, gone := rounds[0][0], rounds[0][1]
	r := open(t, w.st)
	for _, s := range []*snapshot.Snapshot{kept, gone} {
		note(t, r, s.ID, "")
		pin := snapshot.Note{Snapshot: s.ID, Pin: &snapshot.Pin{Time: time.Now(), Pinned: true}}
		labels := snapshot.Note{Snapshot: s.ID, Labels: &snapshot.Labels{Time: time.Now(), Tags: []string{"good"}}}
		if err := errors.Join(r.Note(t.Context(), pin), r.Note(t.Context(), labels)); err != nil {
			t.Fatal(err)
		}
	}
	// Another host forgets one, and does not know of the notes on it.
	opts := options(w.st)
	opts.Host = "other"
	if err := openAs(t, opts).Forget(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	delete(w.world.images, gone.ID)
	for range 3 {
		pruneAll(t, w.st)
		s := listed(t, w.st)[kept.ID]
		if s == nil || s.Verified == nil || !s.Pinned || !s.Tags.Has("good") {
			t.Fatalf("the notes on a snapshot of a round are lost: %+v", s)
		}
	}
	for _, o := range objectsOf(t, w.st, snapshot.NotePrefix) {
		if id, _ := snapshot.ParseNoteName(o.Name); id == gone.ID {
			t.Errorf("%s is left of a snapshot that was forgotten", o.Name)
		}
	}
	if _, err := w.rounds.Thin(t.Context(), func(snapshot.Series) (retention.Policy, bool) { return retention.Policy{Last: 1}, true }); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, w.st); len(got) != 3 || got[kept.ID] == nil {
		t.Errorf("%d snapshots are left, want the newest two and the pinned one", len(got))
	}
}

// TestThinLeavesWaiting lets a policy go that keeps one snapshot of each database: those that are not confirmed stay.
func TestThinLeavesWaiting(t *testing.T) {
	t.Parallel()
	w, rounds := watchedWorld(t)
	w.change("a", 50)
	first := w.take("a")
	w.change("a", 51)
	w.take("a")
	gone, err := w.rounds.Thin(t.Context(), func(s snapshot.Series) (retention.Policy, bool) {
		return retention.Policy{Last: 1}, s.Environment == "a"
	})
	if err != nil || len(gone) != 3 {
		t.Fatalf("got %d, %v, want the three of a that were acknowledged", len(gone), err)
	}
	got := listed(t, w.st)
	if len(got) != 5 || got[first[0].ID] == nil || got[rounds[0][1].ID] == nil {
		t.Errorf("%d snapshots are left, want two of a and all three of b", len(got))
	}
	for _, s := range gone {
		delete(w.world.images, s.ID)
	}
	if c := w.confirm(); len(c.Acknowledged) != 2 {
		t.Errorf("%d acknowledged, want 2", len(c.Acknowledged))
	}
	w.goOn(t, pages(77, 20))
}

// TestRoundRollback sets the store back to before a round, in which a host has stored its newest snapshots, or takes away
// the round: the host notices. Once the true store is there again, nothing is missing.
func TestRoundRollback(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	opts := options(base.st)
	opts.CacheDir, opts.StateDir = t.TempDir(), t.TempDir()
	w := watchWith(t, base, openAs(t, opts))
	w.change("production", 1)
	w.take("production")
	w.confirm()
	before := base.clone(t)
	w.change("production", 2)
	lost := w.take("production")[0]
	w.confirm()
	w.repo.Close()
	told := func(st store.Store) []*repo.Rollback {
		t.Helper()
		opts := opts
		opts.Store = st
		r := openAs(t, opts)
		defer r.Close()
		found, err := r.Rollbacks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := told(base.st); len(got) > 0 {
		t.Errorf("nothing is missing, got %+v", got[0])
	}
	if got := told(before.st); len(got) != 1 || got[0].ID != lost.ID {
		t.Errorf("set back: got %+v, want that %s is missing", got, lost.ID)
	}
	robbed := base.clone(t)
	if err := robbed.st.Delete(t.Context(), objectsOf(t, robbed.st, "meta/round-")[0].Name); err != nil {
		t.Fatal(err)
	}
	if got := told(robbed.st); len(got) != 1 || got[0].ID != lost.ID {
		t.Errorf("without the round: got %+v, want that %s is missing", got, lost.ID)
	}
	// A watch goes on with the old store, and tells so.
	opts.Store = before.st
	r := openAs(t, opts)
	w = watchWith(t, before, r)
	w.images["production"] = pages(9, 20)
	result, err := w.rounds.Take(t.Context(), []repo.RoundMember{w.member("production")})
	if err != nil || result.Members[0].Rollback == nil || result.Members[0].Rollback.ID != lost.ID {
		t.Fatalf("watch: got %+v, %v, want that %s is missing", result, err, lost.ID)
	}
	w.pending[result.Members[0].Snapshot] = w.images["production"]
	w.confirm()
	r.Close()
	if got := told(before.st); len(got) != 1 || got[0].ID != lost.ID {
		t.Errorf("after a round: got %+v, want that %s is missing", got, lost.ID)
	}
	if got := told(base.st); len(got) > 0 {
		t.Errorf("the true store is back: got %+v", got[0])
	}
}

// TestCopyOfRounds copies snapshots that are in rounds, one of which is forgotten and swept before it is copied.
func TestCopyOfRounds(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	w := watch(t, c.world, c.st)
	for n := range uint64(3) {
		w.change("a", 2*n)
		w.change("b", 2*n+1)
		w.take("a", "b")
	}
	w.confirm()
	c.copy(t)
	c.verify(t)
	w.images["a"] = pages(70, 40)
	gone := w.take("a")[0]
	w.confirm()
	from, to := open(t, c.st), openOther(t, c.to)
	x, _ := copier(t, from, to)
	c.forget(t, gone.ID)
	for range 3 {
		pruneAll(t, c.st)
	}
	if _, err := x.Copy(t.Context(), gone, nil); !errors.Is(err, snapshot.ErrNotFound) {
		t.Errorf("a snapshot that was forgotten: got %v, want ErrNotFound", err)
	}
	// One of a round that stays for others was forgotten: that is no damage either.
	w.change("a", 89)
	w.take("a")
	w.confirm() // it goes by the plans of the prunes
	w.change("a", 90)
	w.images["b"] = pages(71, 40)
	pair := w.take("a", "b")
	w.confirm()
	from = open(t, c.st)
	x, _ = copier(t, from, to)
	c.forget(t, pair[1].ID)
	name := "meta/round-" + pair[1].Round.String()
	b := read(t, c.st, name)
	for at := 60; at < len(b)-8<<10; at += 100 { // as unreadable as what was swept, but for its end
		b[at] ^= 1
	}
	replace(t, c.st, name, b)
	if _, err := x.Copy(t.Context(), pair[1], nil); !errors.Is(err, snapshot.ErrNotFound) {
		t.Errorf("a snapshot of a round that was forgotten: got %v, want ErrNotFound", err)
	}
}

// TestRoundsOfOthers has a host that trusts its cache see the rounds of another one, and rely on them.
func TestRoundsOfOthers(t *testing.T) {
	t.Parallel()
	w, _ := watchedWorld(t)
	opts := options(w.st)
	opts.CacheDir, opts.TrustCache, opts.CacheSize, opts.Host = t.TempDir(), true, roomy, "other"
	for n := range uint64(3) {
		w.change("a", 60+n)
		w.take("a")
		w.confirm()
		r := openAs(t, opts)
		w.restoreAll(t, r)
		s := take(t, r, "a", w.images["a"])
		w.world.images[s.ID] = w.images["a"]
		if s.ChunksNew > 0 {
			t.Errorf("%d chunks were stored that a round has", s.ChunksNew)
		}
		r.Close()
		w.verify(t)
		pruneAll(t, w.st)
	}
	w.goOn(t, pages(77, 20))
}

// TestSweptRoundsLeaveThePackCache sweeps rounds: what the cache of packs has of them goes, and of the others stays.
func TestSweptRoundsLeaveThePackCache(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	dir := t.TempDir()
	var taken []*snapshot.Snapshot
	runWith(t, base.st, dir, roomy, func(r *repo.Repo) {
		w := watchWith(t, base, r)
		for n := range uint64(3) {
			w.images["a"] = pages(n+40, 30)
			taken = append(taken, w.take("a")...)
		}
		w.confirm()
	})
	if got := len(cachedFiles(t, dir)); got != 3 {
		t.Errorf("%d rounds in the cache, want 3", got)
	}
	base.forget(t, taken[0].ID, taken[1].ID)
	for range 3 {
		pruneAll(t, base.st)
	}
	runWith(t, base.st, dir, roomy, func(r *repo.Repo) { pruneWith(t, r, repo.PruneOptions{}) })
	if got, want := len(cachedFiles(t, dir)), countOf(t, base.st, "meta/round-"); got != want {
		t.Errorf("%d rounds in the cache, %d in the store", got, want)
	}
	base.verify(t)
}

// TestInitRefusesRounds makes a repository where the configuration of one is gone that has nothing but rounds.
func TestInitRefusesRounds(t *testing.T) {
	t.Parallel()
	st := mem.New()
	if err := st.Put(t.Context(), "meta/round-fff9b8a109a8a12a0011223344556677", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Init(t.Context(), options(st), repo.NewKey{Credential: testKey}); !errors.Is(err, repo.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
}

// TestUsageOfRounds counts rounds as objects.
func TestUsageOfRounds(t *testing.T) {
	t.Parallel()
	w, _ := watchedWorld(t)
	u, err := open(t, w.st).Usage(t.Context())
	if err != nil || u.Objects != countOf(t, w.st, "") || u.Packs != countOf(t, w.st, "packs/") {
		t.Errorf("got %+v, %v", u, err)
	}
}

// breaksOff is a source of b that fails behind some bytes.
func breaksOff(b []byte, at int) repo.Source {
	return func(context.Context) (repo.SourceImage, error) {
		return &image{Reader: io.MultiReader(bytes.NewReader(b[:at]), iotest.ErrReader(storetest.ErrInjected))}, nil
	}
}

// TestMemberFails has the sources of some members fail in the midst of a round. The other databases have their snapshots,
// those that share chunks with the failed ones, too.
func TestMemberFails(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	w := watch(t, base, base.st)
	b := pages(5, 300)
	w.images["good"], w.images["clone"] = b, touch(b, 4, 3)
	members := []repo.RoundMember{
		{Source: breaksOff(b, len(b)/2), Options: repo.BackupOptions{Environment: "bad", Database: "app"}},
		w.member("good"), w.member("clone"),
		{Source: breaksOff(b, 0), Options: repo.BackupOptions{Environment: "worse", Database: "app"}},
	}
	result, err := w.rounds.Take(t.Context(), members)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range result.Members {
		if failed := i == 0 || i == 3; failed != errors.Is(m.Err, storetest.ErrInjected) || failed == (m.BackupResult != nil) {
			t.Errorf("member %d: got %+v, %v", i, m.BackupResult, m.Err)
		}
	}
	w.pending[result.Members[1].Snapshot] = b
	w.pending[result.Members[2].Snapshot] = w.images["clone"]
	w.confirm()
	w.verify(t)
	w.images["bad"] = b
	w.take("bad")
	w.confirm()
	w.goOn(t, pages(77, 20))
}
