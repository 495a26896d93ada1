package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"firn/pack"
	"firn/repo"
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
	return repo.RoundMember{Source: fingerprinted(b, ""), Options: repo.BackupOptions{Environment: env, Database: "app"}}
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
