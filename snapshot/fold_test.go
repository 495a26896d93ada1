package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/snapshot"
	"firn/tags"
)

// taken returns the snapshots of some lines, the newest first. A line has the day, the hours and minutes of the snapshots, and words
// that count for all of them: own for a record of its own, pinned and so on, or another environment than production.
func taken(t *testing.T, lines string) (list []*snapshot.Snapshot) {
	t.Helper()
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		for times := range strings.SplitSeq(words[1], ",") {
			at, err := time.Parse("2006-01-02 15:04", words[0]+" "+times)
			if err != nil {
				t.Fatal(err)
			}
			s := &snapshot.Snapshot{ID: snapshot.NewID(), Time: at, Environment: "production", Database: "app", Added: 10, Round: snapshot.NewID()}
			for _, word := range words[2:] {
				describe(s, word)
			}
			list = append(list, s)
		}
	}
	snapshot.Sort(list)
	return list
}

// describe changes a snapshot by a word of [taken].
func describe(s *snapshot.Snapshot, word string) {
	switch word {
	case "own":
		s.Round = snapshot.ID{}
	case "pinned":
		s.Pinned = true
	case "suspect":
		s.Suspect = []string{"it is empty"}
	case "sound":
		s.Verified = &snapshot.Verification{}
	case "proven":
		s.Proof = &snapshot.Verification{}
		s.Verified = s.Proof
	case "unsound":
		s.Proof = &snapshot.Verification{Problem: "page 7: 2nd reference"}
		s.Verified = s.Proof
	case "replaced":
		s.ReplacedBy = snapshot.NewID()
	case "unread":
		s.NoteUnread = true
	case "web", "tagged":
		s.Tags = tags.Set{word}
	case "billing":
		s.Database = word
	default:
		s.Environment = word
	}
}

func TestFoldRounds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 14, 30, 0, 0, time.UTC)
	for name, tt := range map[string]struct{ list, want string }{
		"Empty":         {"", ""},
		"NoRounds":      {"2026-11-30 14:00,14:01,14:02,14:03,14:04 own", "14:04 14:03 14:02 14:01 14:00"},
		"NewestIsAlone": {"2026-11-30 14:00,14:01,14:02,14:03", "14:03 14:02-14:00(3)"},
		"TwoAreTooFew":  {"2026-11-30 14:00,14:01,14:02", "14:02 14:01 14:00"},
		"Hours":         {"2026-11-30 12:59,13:00,13:01,13:59,14:00,14:01,14:02", "14:02 14:01 14:00 13:59-13:00(3) 12:59"},
		"Days": {"2026-11-29 00:00,12:59,23:59\n2026-11-28 07:00,08:00,09:00,10:00\n2026-11-30 00:00",
			"00:00 23:59-00:00(3) 10:00-07:00(4)"},
		"Proven":  {"2026-11-30 13:00,13:01,13:02,13:03,14:00 proven", "14:00 13:03-13:00(4)"},
		"Unsound": {"2026-11-30 13:00,13:01,13:02,14:00 proven\n2026-11-30 13:03 unsound", "14:00 13:03 13:02-13:00(3)"},
		"Series": {"2026-11-30 13:00,13:10,13:20,14:00\n2026-11-30 13:01,13:11,13:21,14:01 demo\n2026-11-30 13:02,13:12,13:22,14:02 billing",
			"14:02 14:01 14:00 13:22-13:02(3) 13:21-13:01(3) 13:20-13:00(3)"},
		"AnotherRecordIsNewest": {"2026-11-30 14:00,14:01,14:02\n2026-11-30 14:03 own", "14:03 14:02-14:00(3)"},
		"Among": {"2026-11-30 13:00,13:10,13:20,13:30,14:00\n2026-11-30 13:05 pinned\n2026-11-30 13:06 suspect\n2026-11-30 13:07 sound" +
			"\n2026-11-30 13:15 own\n2026-11-30 13:16 replaced\n2026-11-30 13:17 unread\n2026-11-30 13:18,13:19 tagged",
			"14:00 13:30-13:00(4) 13:19 13:18 13:17 13:16 13:15 13:07 13:06 13:05"},
		"TagsOfTheEnvironment": {"2026-11-30 13:00,13:10,13:20,14:00 web\n2026-11-30 13:05 tagged\n2026-11-30 13:06", "14:00 13:20-13:00(3) 13:06 13:05"},
		"Ahead":                {"2026-11-30 14:10,14:11,14:12,14:20,14:36,14:40,14:41", "14:41 14:40 14:36 14:20 14:12-14:10(3)"},
		"WithinTolerance":      {"2026-11-30 14:31,14:32,14:33,14:34", "14:34 14:33-14:31(3)"},
	} {
		t.Run(name, func(t *testing.T) {
			list := taken(t, tt.list)
			lines := snapshot.FoldRounds(list, now, nil)
			if got := rendered(lines); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			slices.Reverse(list)
			slices.Reverse(lines)
			if got, want := rendered(snapshot.FoldRounds(list, now, nil)), rendered(lines); got != want {
				t.Errorf("the oldest first: got  %s\nwant %s", got, want)
			}
		})
	}
}

// rendered returns lines in a short form: the time of one snapshot, or the first and last time of several, and their number.
func rendered(lines []snapshot.Fold) string {
	var words []string
	for _, f := range lines {
		word := f.Newest().Time.Format("15:04")
		if len(f) > 1 {
			word += fmt.Sprintf("-%s(%d)", f.Oldest().Time.Format("15:04"), len(f))
		}
		if f.Added() != int64(10*len(f)) {
			word += fmt.Sprintf(" added %d", f.Added())
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// TestFoldRoundsInZone checks that hours and days begin where the clocks of the zone say, and that the hour that comes twice is two.
func TestFoldRoundsInZone(t *testing.T) {
	t.Parallel()
	amsterdam := zone(t, "Europe/Amsterdam")
	list := taken(t, "2026-10-24 21:58,21:59,22:00,22:01,22:02,23:57,23:58,23:59\n2026-10-25 00:10,00:20,00:30,01:10,01:20,01:30,02:00")
	for day, want := range map[int]string{
		25: "02:00 01:30-01:10(3) 00:30-00:10(3) 23:59-23:57(3) 22:02-22:00(3) 21:59 21:58",
		26: "02:00 01:30-22:00(12) 21:59 21:58",
	} {
		if got := rendered(snapshot.FoldRounds(list, time.Date(2026, 10, day, 12, 0, 0, 0, time.UTC), amsterdam)); got != want {
			t.Errorf("on day %d: got  %s\nwant %s", day, got, want)
		}
	}
}

// TestFoldRoundsLosesNone checks that each snapshot of a list is in one line.
func TestFoldRoundsLosesNone(t *testing.T) {
	t.Parallel()
	list := taken(t, "2026-11-29 00:00,12:59,23:59\n2026-11-30 12:59,13:00,13:01,13:59,14:00\n2026-11-30 13:05,13:06 tagged\n2026-11-30 13:07,14:50 demo")
	seen := make(map[snapshot.ID]int)
	for _, f := range snapshot.FoldRounds(list, list[0].Time, nil) {
		for _, s := range f {
			seen[s.ID]++
		}
	}
	for _, s := range list {
		if seen[s.ID] != 1 {
			t.Errorf("%v is in %d lines", s.Time, seen[s.ID])
		}
	}
}
