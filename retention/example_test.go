package retention_test

import (
	"fmt"
	"strings"
	"time"

	"firn/retention"
)

func ExamplePolicy_Apply() {
	policy := retention.Policy{Last: 2, Daily: 2, Within: 15 * time.Minute}
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	items := []retention.Item{
		{ID: "a", Time: now},
		{ID: "b", Time: now.Add(-12 * time.Minute)},
		{ID: "c", Time: now.Add(-24 * time.Minute)},
		{ID: "d", Time: now.Add(-24 * time.Hour)},
		{ID: "e", Time: now.Add(-48 * time.Hour), Pinned: true},
	}
	for _, d := range policy.Apply(items, now) {
		if d.Keep {
			fmt.Printf("keep %s: %s\n", d.ID, strings.Join(d.Reasons, ", "))
		} else {
			fmt.Printf("remove %s\n", d.ID)
		}
	}
	// Output:
	// keep a: last 1, within 15m, daily 2026-11-21, newest
	// keep b: last 2, within 15m
	// remove c
	// keep d: daily 2026-11-20
	// keep e: pinned
}
