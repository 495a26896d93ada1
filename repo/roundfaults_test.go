package repo_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
)

// roundOperations are what a watch does, for [TestFaults].
func roundOperations() []operation {
	return []operation{
		{"first round", func(testing.TB, *world) {}, roundsOf(func(*world) {})},
		{"round", twoRounds, roundsOf(func(*world) {})},
		{"round and prunes", forgottenRound, roundsOf(func(w *world) {
			for range 2 { // they condemn and sweep what the rounds rely on
				_, _ = openQuietly(w).Prune(context.Background(), repo.PruneOptions{OrphanAge: -1})
			}
		})},
		{"thin", twoRounds, thinNow},
		{"forget in round", twoRounds, forgetOldest},
		{"condemn round", forgottenRound, pruneNow},
		{"sweep round", func(t testing.TB, w *world) { forgottenRound(t, w); pruneAll(t, w.st) }, pruneNow},
		{"sweep tombstone", func(t testing.TB, w *world) { forgottenRound(t, w); pruneAll(t, w.st); pruneAll(t, w.st) }, pruneNow},
		{"check of rounds", twoRounds, func(ctx context.Context, _ *world, r *repo.Repo) error {
			_, err := r.Check(ctx, repo.CheckOptions{ReadData: true})
			return err
		}},
		{"restore of rounds", twoRounds, restoreEach},
		{"alive", twoRounds, func(ctx context.Context, _ *world, r *repo.Repo) error {
			began := time.Now()
			return errors.Join(r.PutAlive(ctx, repo.Alive{Began: began, Time: began}), r.PutAlive(ctx, repo.Alive{Began: began, Time: began}))
		}},
	}
}

func openQuietly(w *world) *repo.Repo {
	r, err := repo.Open(context.Background(), options(w.st))
	if err != nil {
		panic(err)
	}
	return r
}

func twoRounds(t testing.TB, w *world) {
	watch := watch(t, w, w.st)
	for _, b := range [][]byte{small, changed} {
		watch.images["production"], watch.images["tenant"] = b, touch(b, 8, 20)
		watch.take("production", "tenant")
		watch.confirm()
	}
}

// forgottenRound leaves a round whose snapshots were forgotten, and of which another one needs some blobs.
func forgottenRound(t testing.TB, w *world) {
	watch := watch(t, w, w.st)
	var first []*snapshot.Snapshot
	for n, b := range [][]byte{pages(9, 40), small, changed} {
		watch.images["production"], watch.images["tenant"] = b, touch(b, 8, 20)
		taken := watch.take("production", "tenant")
		watch.confirm()
		if n < 2 {
			first = append(first, taken...)
		}
	}
	for _, s := range first {
		w.forget(t, s.ID)
	}
}

// roundsOf takes a round and confirms it, after something that others do. A handle goes on after each failure.
func roundsOf(between func(*world)) func(context.Context, *world, *repo.Repo) error {
	return func(ctx context.Context, w *world, r *repo.Repo) error {
		rounds, err := r.NewRounds(ctx)
		if err != nil {
			return err
		}
		images := map[string][]byte{"production": next, "tenant": pages(9, 40), "clone": touch(next, 5, 2)}
		pending := make(map[*snapshot.Snapshot][]byte)
		var problems []error
		for n := 0; n < 2 && len(problems) == n; n++ {
			problems = append(problems, takeImages(ctx, rounds, images, pending))
			if problems[n] == nil {
				break
			}
		}
		between(w)
		for range 2 {
			c, err := rounds.Confirm(ctx)
			for _, s := range c.Acknowledged {
				w.images[s.ID] = pending[s]
			}
			if problems = append(problems, err); err == nil {
				break
			}
		}
		if rounds.Unconfirmed() == 0 { // a later round is as good as any
			images["production"] = touch(next, 77, 3)
			problems = append(problems, takeImages(ctx, rounds, images, pending))
		}
		return errors.Join(problems...)
	}
}

func takeImages(ctx context.Context, rounds *repo.Rounds, images map[string][]byte, pending map[*snapshot.Snapshot][]byte) error {
	var members []repo.RoundMember
	envs := slices.Sorted(maps.Keys(images))
	for _, env := range envs {
		members = append(members, repo.RoundMember{
			Source: fingerprinted(images[env], fingerprintOf(images[env])), Options: repo.BackupOptions{Environment: env, Database: "app"},
		})
	}
	result, err := rounds.Take(ctx, members)
	if err != nil {
		return err
	}
	for i, m := range result.Members {
		switch {
		case m.Err != nil:
			err = errors.Join(err, m.Err)
		case !m.Skipped:
			pending[m.Snapshot] = images[envs[i]]
		}
	}
	return err
}

func thinNow(ctx context.Context, w *world, r *repo.Repo) error {
	rounds, err := r.NewRounds(ctx)
	if err != nil {
		return err
	}
	list, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	for series, all := range snapshot.BySeries(list) {
		if series.Environment == "production" {
			delete(w.images, all[1].ID)
		}
	}
	_, err = rounds.Thin(ctx, func(s snapshot.Series) (retention.Policy, bool) {
		return retention.Policy{Last: 1}, s.Environment == "production"
	})
	return err
}
