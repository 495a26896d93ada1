package upkeep_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/upkeep"
)

// TestAtOnce does everything that may be done at the same time on one session.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	ids := f.BackUp(t, 4, time.Hour)
	ctx, s := t.Context(), f.Session
	operations := map[string]func(i int) error{
		"status":     func(int) error { _, err := upkeep.ReadStatus(ctx, s, upkeep.StatusOptions{}); return err },
		"statistics": func(int) error { _, err := upkeep.ReadStatistics(ctx, s, "app"); return err },
		"check":      func(int) error { _, err := upkeep.Check(ctx, s, upkeep.CheckOptions{ReadData: true}); return err },
		"forget":     func(int) error { _, err := upkeep.Forget(ctx, s, upkeep.ForgetOptions{DryRun: true}); return err },
		"simulate": func(int) error {
			_, err := upkeep.Simulate(ctx, s, upkeep.SimulateOptions{Span: 240 * time.Hour, Every: time.Hour})
			return err
		},
		"tag": func(i int) error {
			_, err := upkeep.AddTags(ctx, s, ids[i].ID.String(), fmt.Sprint("tag-", i))
			return err
		},
		"pin": func(i int) error { _, err := upkeep.Pin(ctx, s, []string{ids[i].ID.String()}, true); return err },
	}
	var wait sync.WaitGroup
	for name, do := range operations {
		for i := range ids {
			wait.Go(func() {
				if err := do(i); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	wait.Wait()
	all, err := s.Repo.Snapshots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, snap := range all {
		if !snap.Pinned || !strings.Contains(snap.Tags.String(), "tag-") {
			t.Errorf("snapshot %s: pinned %t, tags %s", snap.ID.Short(), snap.Pinned, snap.Tags)
		}
	}
}
