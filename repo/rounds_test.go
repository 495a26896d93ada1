package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"firn/pack"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/storetest"
)

// watched is some databases, the rounds that are taken of them, and the world that they are in.
type watched struct {
	*world
	t      testing.TB
	rounds *repo.Rounds
	repo   *repo.Repo
	images map[string][]byte // of each environment, as it is now

	pending map[*snapshot.Snapshot][]byte // images of snapshots that are not confirmed
}

func watch(t testing.TB, w *world, st store.Store) *watched {
	t.Helper()
	return watchWith(t, w, open(t, st))
}

func watchWith(t testing.TB, w *world, r *repo.Repo) *watched {
	t.Helper()
	rounds, err := r.NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &watched{w, t, rounds, r, make(map[string][]byte), make(map[*snapshot.Snapshot][]byte)}
}

func (w *watched) member(env string) repo.RoundMember {
	b := w.images[env]
	return repo.RoundMember{Source: fingerprinted(b, ""), Options: repo.BackupOptions{Environment: env, Database: "app", IfChanged: true}}
}

// take takes a round of environments.
func (w *watched) take(envs ...string) []*snapshot.Snapshot {
	w.t.Helper()
	var members []repo.RoundMember
	for _, env := range envs {
		members = append(members, w.member(env))
	}
	result, err := w.rounds.Take(context.Background(), members)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []*snapshot.Snapshot
	for i, m := range result.Members {
		if m.Err != nil {
			w.t.Fatal(m.Err)
		}
		if !m.Skipped {
			w.pending[m.Snapshot] = w.images[envs[i]]
			list = append(list, m.Snapshot)
		}
	}
	return list
}

// change gives an environment another image.
func (w *watched) change(env string, seed uint64) {
	if w.images[env] == nil {
		w.images[env] = pages(uint64(len(w.images)+1), 40)
	}
	w.images[env] = touch(w.images[env], seed, 2)
}

func (w *watched) confirm() *repo.Confirmation {
	w.t.Helper()
	c, err := w.rounds.Confirm(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range c.Acknowledged {
		w.world.images[s.ID] = w.pending[s]
	}
	clear(w.pending)
	return c
}

// TestRounds takes rounds of three databases, forgets, prunes, and goes on, beside backups of another host.
func TestRounds(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	w := watch(t, base, base.st)
	var old []*snapshot.Snapshot
	for round := range uint64(12) {
		for i, env := range []string{"a", "b", "c"} {
			if (round+uint64(i))%3 > 0 || round == 0 {
				w.change(env, 10*round+uint64(i))
			}
		}
		taken := w.take("a", "b", "c")
		w.confirm()
		old = append(old, taken...)
		switch round % 4 {
		case 1: // another host backs up a database of the same environment
			base.take(t, "a", w.images["a"])
		case 2: // some snapshots of rounds are forgotten, and space is freed
			gone := []snapshot.ID{old[0].ID, old[2].ID}
			old = old[3:]
			base.forget(t, gone...)
			pruneAll(t, base.st)
		case 3:
			for range 2 {
				pruneAll(t, base.st)
			}
		}
		w.verify(t)
	}
	base.goOn(t, pages(77, 30))
}

// TestRoundIsOneObject counts what a round costs.
func TestRoundIsOneObject(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	requests := make(map[string]int)
	var mu sync.Mutex // members are read several at once
	w := watch(t, base, storetest.NewHooked(base.st, func(op, name string) {
		mu.Lock()
		defer mu.Unlock()
		requests[op]++
	}))
	var envs []string
	for i := range 50 {
		envs = append(envs, fmt.Sprintf("tenant-%d", i))
	}
	for round := range uint64(5) {
		for i, env := range envs {
			w.change(env, 1000*round+uint64(i))
		}
		clear(requests)
		if got := len(w.take(envs...)); got != len(envs) {
			t.Errorf("round %d: %d snapshots", round, got)
		}
		if requests["put"] != 1 || requests["list"]+requests["delete"] > 0 {
			t.Errorf("round %d: requests %v", round, requests)
		}
		clear(requests)
		if c := w.confirm(); len(c.Acknowledged) != len(envs) || c.Again+len(c.Lost) > 0 {
			t.Errorf("round %d: %d acknowledged", round, len(c.Acknowledged))
		}
		if requests["list"] != 1 || requests["put"]+requests["get"]+requests["delete"] > 0 {
			t.Errorf("confirm %d: requests %v", round, requests)
		}
	}
	if got := countOf(t, base.st, pack.RoundPrefix); got != 5 {
		t.Errorf("%d rounds", got)
	}
	if got := countOf(t, base.st, pack.Prefix); got != 0 {
		t.Errorf("%d packs", got)
	}
	w.verify(t)
	clear(requests)
	if got := w.take(envs...); len(got) > 0 {
		t.Errorf("%d snapshots of what is unchanged", len(got))
	}
	if len(requests) > 0 && requests["put"]+requests["list"] > 0 {
		t.Errorf("unchanged: requests %v", requests)
	}
}

// TestConfirmFails lets each call of a confirmation that finds new plans fail. The handle must go on: what it acknowledges
// later can be restored.
func TestConfirmFails(t *testing.T) {
	t.Parallel()
	for n, last := 1, false; !last; n++ {
		base := newWorld(t)
		deadRound(t, base)
		ctx, die := context.WithCancel(t.Context())
		i := &interruption{act: die}
		w := watch(t, base, storetest.NewHooked(base.st, i.hook))
		w.change("a", 1)
		w.images["b"] = pages(23, 40) // in a round that is about to be condemned
		w.take("a", "b")
		for range 3 {
			pruneAll(t, base.st)
		}
		i.calls, i.at = 0, n
		_, err := w.rounds.Confirm(ctx)
		if last = i.calls < n; last && err != nil {
			t.Fatal(err)
		}
		i.at = 0
		w.change("a", 2)
		w.take("a")
		w.confirm()
		w.verify(t)
	}
}

// TestUnreadTombstone damages a tombstone. The snapshots that it has forgotten must not count for retention.
func TestUnreadTombstone(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	w := watch(t, base, base.st)
	var taken []*snapshot.Snapshot
	for i := range uint64(4) {
		w.change("a", i)
		taken = append(taken, w.take("a")...)
	}
	w.confirm()
	base.forget(t, taken[2].ID, taken[3].ID)
	for _, o := range objectsOf(t, base.st, "meta/gone-") {
		replace(t, base.st, o.Name, []byte("x"))
	}
	opts := repo.BackupOptions{Environment: "a", Database: "app", Keep: &retention.Policy{Last: 3}}
	result, err := open(t, base.st).Backup(t.Context(), sourceOf(pages(9, 40)), opts)
	if err != nil || len(result.Forgotten) > 0 {
		t.Errorf("got %+v, %v, want nothing forgotten", result, err)
	}
}

// TestRepairRounds damages a round and a tombstone, and repairs them by a host that has no copies.
func TestRepairRounds(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	w := watch(t, base, base.st)
	var taken []*snapshot.Snapshot
	for i := range uint64(3) {
		w.change("a", i)
		w.change("b", i)
		taken = append(taken, w.take("a", "b")...)
	}
	w.confirm()
	base.forget(t, taken[0].ID)
	damaged := append(objectsOf(t, base.st, "meta/gone-"), objectsOf(t, base.st, pack.RoundPrefix)[0])
	for _, o := range damaged {
		b := read(t, base.st, o.Name)
		b[len(b)-1]++
		replace(t, base.st, o.Name, b)
	}
	r := open(t, base.st)
	d, err := r.Diagnose(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Repair(t.Context(), d, repo.RepairOptions{ForgetLost: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Deleted) != len(damaged) || result.Condemned != 1 {
		t.Errorf("got %+v", result)
	}
	for range 3 {
		pruneAll(t, base.st)
	}
	for _, s := range taken[4:] { // in the damaged round, which is the newest
		delete(base.images, s.ID)
	}
	for _, o := range damaged {
		for range base.st.List(t.Context(), o.Name) {
			t.Errorf("%s is still there", o.Name)
		}
	}
	base.verify(t)
	base.goOn(t, tiny)
}

// TestUnconfirmedDoesNotStand leaves a snapshot that no run has confirmed, under plans of before. A round of the same
// image must not pass it off as its own.
func TestUnconfirmedDoesNotStand(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	w := watch(t, base, base.st)
	w.change("a", 1)
	w.take("a") // and dies
	deadPack(t, base)
	pruneAll(t, base.st)
	later := watch(t, base, base.st)
	later.images["a"] = w.images["a"]
	if got := later.take("a"); len(got) != 1 {
		t.Errorf("%d snapshots, want 1", len(got))
	}
	if got := later.take("a"); len(got) != 0 {
		t.Errorf("%d snapshots more, want none", len(got))
	}
	later.confirm()
	for range 2 {
		base.forget(t, base.take(t, "demo", pages(8, 40)).ID)
		pruneAll(t, base.st)
	}
	later.change("b", 1)
	later.take("b")
	later.confirm() // under other plans
	if got := later.take("a"); len(got) != 0 {
		t.Errorf("%d snapshots of what was confirmed, want none", len(got))
	}
	base.verify(t)
}
