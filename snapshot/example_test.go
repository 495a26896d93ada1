package snapshot_test

import (
	"errors"
	"fmt"
	"time"

	"firn/snapshot"
)

func ExampleFind() {
	at := func(hour int) time.Time { return time.Date(2026, 3, 15, hour, 12, 0, 0, time.UTC) }
	list := []*snapshot.Snapshot{
		{ID: snapshot.ID{0x3f, 0x2a, 0x91, 0xc0}, Environment: "production", Time: at(3)},
		{ID: snapshot.ID{0x3f, 0x2a, 0x07, 0x11}, Environment: "production", Time: at(4)},
		{ID: snapshot.ID{0x81, 0xd4, 0x55, 0x02}, Environment: "demo", Time: at(5)},
	}
	for _, ref := range []string{"3f2a9", "latest:production", "2026-03-15T03", "2026-03", "3f2a"} {
		s, err := snapshot.Find(list, ref, time.UTC)
		var ambiguous *snapshot.AmbiguousError
		switch {
		case errors.As(err, &ambiguous):
			fmt.Println(ref, "may be any of", len(ambiguous.Candidates))
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(ref, "is", s.ID.Short())
		}
	}
	// Output:
	// 3f2a9 is 3f2a91c0
	// latest:production is 3f2a0711
	// 2026-03-15T03 is 3f2a91c0
	// 2026-03 is 81d45502
	// 3f2a may be any of 2
}
