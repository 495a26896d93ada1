package repo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
)

// watch returns the part of a watch: rounds of two databases, which it confirms now and then, thins, and a sign of life.
func (c *crowd) watch(ctx context.Context) func(context.Context, *rand.Rand) {
	rounds, err := c.NewRounds(ctx)
	if err != nil {
		c.Fatal(err)
	}
	pending, began := make(map[*snapshot.Snapshot][]byte), time.Now()
	return func(ctx context.Context, r *rand.Rand) {
		c.takeRound(ctx, r, rounds, pending)
		if r.IntN(2) == 0 {
			c.confirm(ctx, rounds, pending)
		}
		if r.IntN(3) == 0 {
			c.thin(ctx, rounds)
		}
		if err := c.PutAlive(ctx, repo.Alive{Began: began, Time: time.Now()}); err != nil {
			c.Errorf("sign of life: %v", err)
		}
		if all, err := c.Alives(ctx); err != nil || len(all) == 0 {
			c.Errorf("signs of life: got %d, %v", len(all), err)
		}
	}
}

func (c *crowd) takeRound(ctx context.Context, r *rand.Rand, rounds *repo.Rounds, pending map[*snapshot.Snapshot][]byte) {
	var members []repo.RoundMember
	var images [][]byte
	for i := range 2 {
		b := touch(pages(7, c.pages), r.Uint64(), 1+r.IntN(c.pages))
		images = append(images, b)
		members = append(members, repo.RoundMember{
			Source: sourceOf(b), Options: repo.BackupOptions{Environment: fmt.Sprintf("watched %d", i), Database: "app"},
		})
	}
	result, err := rounds.Take(ctx, members)
	if err != nil {
		c.Errorf("take round: %v", err)
		return
	}
	for i, m := range result.Members {
		switch {
		case m.Err != nil:
			c.Errorf("member of a round: %v", m.Err)
		case !m.Skipped:
			pending[m.Snapshot] = images[i]
		}
	}
}

func (c *crowd) confirm(ctx context.Context, rounds *repo.Rounds, pending map[*snapshot.Snapshot][]byte) {
	confirmed, err := rounds.Confirm(ctx)
	if err != nil && !errors.Is(err, repo.ErrUnsettled) {
		c.Errorf("confirm: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range confirmed.Acknowledged {
		c.images[s.ID] = pending[s]
	}
}

func (c *crowd) thin(ctx context.Context, rounds *repo.Rounds) {
	gone, err := rounds.Thin(ctx, func(s snapshot.Series) (retention.Policy, bool) {
		return retention.Policy{Last: 3}, s.Environment == "watched 0"
	})
	if err != nil {
		c.Errorf("thin: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range gone {
		c.forgot[s.ID] = true
	}
}
