package cmd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"firn/internal/layout"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// watched returns the snapshots of two environments, the oldest first: those of a watch, and one of each kind that stands alone.
func watched(now time.Time) (list []*snapshot.Snapshot) {
	add := func(environment string, at time.Time, round bool) *snapshot.Snapshot {
		s := &snapshot.Snapshot{
			Environment: environment, Database: "app", Time: at, Added: 12 << 10, Images: []snapshot.Image{{Size: 500 << 20}},
			Tags: tags.Set{"db_app", "env_" + environment},
		}
		s.ID[0], s.ID[3] = 0xab, byte(len(list))
		if round {
			s.Round = snapshot.NewID()
		}
		list = append(list, s)
		return s
	}
	add("production", now.Add(-30*24*time.Hour), false)
	for i := range 4 {
		add("production", now.Add(-26*time.Hour+time.Duration(i)*20*time.Minute), true)
	}
	add("production", now.Add(-25*time.Hour+30*time.Minute), true).Pinned = true
	for i := range 5 {
		add("production", now.Add(-80*time.Minute+time.Duration(i)*30*time.Second), true)
		add("demo", now.Add(-80*time.Minute+time.Duration(i)*30*time.Second), true)
	}
	add("demo", now.Add(-7*time.Second), true)
	add("production", now.Add(-7*time.Second), true)
	return list
}

func TestFoldedTable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 14, 30, 10, 0, time.UTC)
	c := newCLI(Streams{})
	c.program.Now, c.program.Zone = func() time.Time { return now }, time.UTC
	for width, want := range map[int]string{
		120: `
ID        Time                          Environment  Tags    Size       Added     State
ab000000  2026-10-31 14:30 UTC          production   db_app  500.0 MiB  12.0 KiB
--at      2026-11-29 12:30 - 13:30 UTC  production   db_app  500.0 MiB  48.0 KiB  x 4
ab000005  2026-11-29 14:00:10 UTC       production   db_app  500.0 MiB  12.0 KiB  pinned
--at      2026-11-30 13:10 - 13:12 UTC  production   db_app  500.0 MiB  60.0 KiB  x 5
--at      2026-11-30 13:10 - 13:12 UTC  demo         db_app  500.0 MiB  60.0 KiB  x 5
ab000010  2026-11-30 14:30:03 UTC       demo         db_app  500.0 MiB  12.0 KiB
ab000011  2026-11-30 14:30:03 UTC       production   db_app  500.0 MiB  12.0 KiB
`,
		80: `
ID        Time                          Environment  Size       Added     State
ab000000  2026-10-31 14:30 UTC          production   500.0 MiB  12.0 KiB
--at      2026-11-29 12:30 - 13:30 UTC  production   500.0 MiB  48.0 KiB  x 4
ab000005  2026-11-29 14:00:10 UTC       production   500.0 MiB  12.0 KiB  pinned
--at      2026-11-30 13:10 - 13:12 UTC  production   500.0 MiB  60.0 KiB  x 5
--at      2026-11-30 13:10 - 13:12 UTC  demo         500.0 MiB  60.0 KiB  x 5
ab000010  2026-11-30 14:30:03 UTC       demo         500.0 MiB  12.0 KiB
ab000011  2026-11-30 14:30:03 UTC       production   500.0 MiB  12.0 KiB
`,
		40: `
ID        Time        Environmen  State
                      t
ab000000  2026-10-31  production
          14:30 UTC
--at      2026-11-29  production  x 4
          12:30 -
          13:30 UTC
ab000005  2026-11-29  production  pinned
          14:00:10
          UTC
--at      2026-11-30  production  x 5
          13:10 -
          13:12 UTC
--at      2026-11-30  demo        x 5
          13:10 -
          13:12 UTC
ab000010  2026-11-30  demo
          14:30:03
          UTC
ab000011  2026-11-30  production
          14:30:03
          UTC
`,
	} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			head, rows, folded := c.snapshotTable(watched(now), false, width)
			widths := layout.Widths(head, rows)
			layout.Narrow(widths, width)
			var b strings.Builder
			for _, row := range append([][]string{head}, rows...) {
				b.WriteString("\n" + layout.FoldedLine(row, widths))
			}
			if got := b.String() + "\n"; got != want || folded != 14 {
				t.Errorf("%d folded; got%swant%s", folded, got, want)
			}
		})
	}
	if _, rows, folded := c.snapshotTable(watched(now), true, 120); len(rows) != 18 || folded != 0 {
		t.Errorf("each: got %d rows, %d folded", len(rows), folded)
	}
}

// TestFoldedOutput checks what is said below the table, and that JSON and a list without rounds have no folds.
func TestFoldedOutput(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 14, 30, 10, 0, time.UTC)
	show := func(list []*snapshot.Snapshot, json bool) string {
		var out strings.Builder
		c := newCLI(Streams{Out: &out})
		c.program.Now, c.program.Zone, c.json = func() time.Time { return now }, time.UTC, json
		s := &opened{c, &session.Session{Caller: c.program}}
		if err := s.printSnapshots(list, false); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const last = "\n14 snapshots are folded: --all shows each, --at TIME names one.\n"
	if got := show(watched(now), false); !strings.HasSuffix(got, last) || strings.Count(got, "\n") != 9 {
		t.Errorf("got %s", got)
	}
	if got := show(watched(now), true); strings.Count(got, `"short_id"`) != 18 {
		t.Errorf("JSON: got %s", got)
	}
	own := watched(now)
	for _, s := range own {
		s.Round = snapshot.ID{}
	}
	if got := show(own, false); strings.Count(got, "\n") != 19 || strings.Contains(got, "--a") || strings.Contains(got, ":03 UTC") {
		t.Errorf("without rounds: got %s", got)
	}
}
