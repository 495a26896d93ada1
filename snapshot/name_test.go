package snapshot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firn/snapshot"
)

func TestObjectName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		time time.Time
		want string
	}{
		"OK":         {time.Date(2026, 11, 21, 3, 12, 5, 123456789, time.UTC), "fff99f3f4656d27f"},
		"OtherZone":  {time.Date(2026, 11, 21, 4, 12, 5, 123456789, time.FixedZone("", 3600)), "fff99f3f4656d27f"},
		"Epoch":      {time.Unix(0, 0), "ffffffffffffffff"},
		"Before1970": {time.Unix(-1, 0), "ffffffffffffffff"},
		"NoTime":     {time.Time{}, "ffffffffffffffff"},
		"Latest":     {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "fc7bbbf3339be23f"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshot.Snapshot{ID: parseID(t, idText), Time: tt.time}
			got, want := s.ObjectName(), "meta/snap-"+tt.want+"-"+idText
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if id, ok := snapshot.ParseObjectName(got); !ok || id != s.ID {
				t.Errorf("parse: got %s, %v", id, ok)
			}
			named := s.Time.Truncate(time.Microsecond)
			if named.Before(time.Unix(0, 0)) {
				named = time.Unix(0, 0)
			}
			if at, ok := snapshot.TimeInName(got); !ok || !at.Equal(named) {
				t.Errorf("time: got %v, %v, want %v", at, ok, named)
			}
		})
	}
}

func TestObjectNamesSortNewestFirst(t *testing.T) {
	t.Parallel()
	var names []string
	for at := time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() >= 1970; at = at.AddDate(0, -1, -1) {
		s := snapshot.Snapshot{ID: snapshot.NewID(), Time: at}
		names = append(names, s.ObjectName())
	}
	if !slices.IsSorted(names) {
		t.Error("not sorted")
	}
}

func TestParseObjectNameRejects(t *testing.T) {
	t.Parallel()
	good := "meta/snap-fff9a0bb1c9d44ff-" + idText
	for name, in := range map[string]string{
		"Empty":       "",
		"Prefix":      "meta/snap-",
		"OtherObject": strings.Replace(good, "snap", "part", 1),
		"OtherFolder": "x" + good,
		"NoDash":      strings.Replace(good, "ff-3", "ff03", 1),
		"ShortTime":   strings.Replace(good, "fff9", "ff9", 1),
		"LongTime":    strings.Replace(good, "fff9", "ffff9", 1),
		"BadTime":     strings.Replace(good, "fff9", "xff9", 1),
		"UpperTime":   strings.Replace(good, "fff9", "FFF9", 1),
		"ShortID":     good[:len(good)-1],
		"LongID":      good + "0",
		"BadID":       good[:len(good)-1] + "g",
		"UpperID":     good[:len(good)-1] + "C",
		"Suffix":      good + "-x",
	} {
		t.Run(name, func(t *testing.T) {
			if id, ok := snapshot.ParseObjectName(in); ok || !id.IsZero() {
				t.Errorf("%q: got %s, %v", in, id, ok)
			}
			if at, ok := snapshot.TimeInName(in); ok || !at.IsZero() {
				t.Errorf("%q: got %s, %v", in, at, ok)
			}
		})
	}
}
