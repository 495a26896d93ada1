package snapshot_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"firn/snapshot"
)

func TestUnwrittenChange(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 14, 3, 0, 59, 0, time.UTC)
	id, err := snapshot.ParseID("3f2a91c0000000000000000000000000")
	if err != nil {
		t.Fatal(err)
	}
	change := snapshot.UnwrittenChange{Pages: 1, Named: []string{"page 17"}, From: from, To: from.Add(24 * time.Hour), Kept: id}
	one := change.String()
	if want := "a change that SQLite has not written: page 17, between 2026-03-14 03:00:59 and 2026-03-15 03:00:59 UTC; snapshot 3f2a91c0 has what was there before"; one != want {
		t.Errorf("got  %s\nwant %s", one, want)
	}
	change.Pages, change.AtLeast, change.Named = 65536, true, []string{"page 17", "page 18"}
	many := change.String()
	if want := "a change that SQLite has not written: page 17, page 18 and at least 65,534 more, between 2026-03-14 03:00:59 and 2026-03-15 03:00:59 UTC; snapshot 3f2a91c0 has what was there before"; many != want {
		t.Errorf("got  %s\nwant %s", many, want)
	}
	reasons := []string{`table "a change that SQLite has not written: " is gone`, one, "it has 0 rows, it had 510", many}
	if got := snapshot.UnwrittenChanges(reasons); !slices.Equal(got, []string{one, many}) || len(reasons) != 4 {
		t.Errorf("changes: got %q", got)
	}
	for n := range 20 {
		reasons = append(reasons, fmt.Sprint(one, n))
	}
	if got := snapshot.UnwrittenChanges(reasons); len(got) != 8 || got[0] != one {
		t.Errorf("of 22 changes: got %q", got)
	}
}
