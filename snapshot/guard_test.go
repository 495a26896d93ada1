package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/snapshot"
)

// imageWith returns an image with tables and their rows, given as "users=3 posts=0".
func imageWith(t testing.TB, tables string) snapshot.Image {
	t.Helper()
	rows := []snapshot.TableRows{}
	for _, field := range strings.Fields(tables) {
		name, n, _ := strings.Cut(field, "=")
		var count int64
		for _, c := range n {
			count = 10*count + int64(c-'0')
		}
		rows = append(rows, snapshot.TableRows{Name: name, Rows: count})
	}
	image := snapshot.Image{Size: 1 << 20, Export: "pages"}
	image.SetRows(rows)
	return image
}

func TestGuard(t *testing.T) {
	t.Parallel()
	sized := func(n int64) func(*snapshot.Image) {
		return func(i *snapshot.Image) { i.RowCount, i.Tables, i.Size = nil, nil, n }
	}
	tests := []struct {
		name     string
		old, now string
		alterOld func(*snapshot.Image)
		alterNow func(*snapshot.Image)
		most     float64
		want     []string
	}{
		{name: "Same", old: "a=500 b=1", now: "a=500 b=1", most: 0.5},
		{name: "NewTable", old: "a=500", now: "a=500 b=1", most: 0.5},
		{name: "HalfIsLeft", old: "a=500", now: "a=250", most: 0.5},
		{name: "LessThanHalf", old: "a=500 b=500", now: "a=0 b=499", most: 0.5, want: []string{"it has 499 rows, it had 1,000"}},
		{name: "AnyShare", old: "a=500", now: "a=1", most: 1},
		{name: "NoShare", old: "a=500", now: "a=499", want: []string{"it has 499 rows, it had 500"}},
		{name: "FewRows", old: "a=99", now: "a=1", most: 0.5},
		{name: "NoRows", old: "a=2", now: "a=0", most: 1, want: []string{"it has 0 rows, it had 2"}},
		{name: "NoTables", old: "a=500 b=2", now: "", most: 0.5, want: []string{"it has no tables, it had 2"}},
		{name: "NeverHadTables", old: "", now: "", most: 0.5},
		{name: "TableGone", old: "a=1 b=2", now: "b=2", most: 0.5, want: []string{`table "a" is gone`}},
		{name: "TablesGone", old: "a=1 b=2 c=3", now: "b=2", most: 0.5, want: []string{`tables "a", "c" are gone`}},
		{name: "ManyTablesGone", old: "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8", now: "h=8", most: 0.9, want: []string{`tables "a", "b", "c", "d", "e" and 2 more are gone`}},
		{name: "ApplicationID", old: "a=1", now: "a=1", most: 0.5, alterNow: func(i *snapshot.Image) { i.ApplicationID = -3 },
			want: []string{"its application_id is -3, it was 0"}},
		{name: "Vacuumed", old: "a=500", now: "a=500", most: 0.5, alterNow: func(i *snapshot.Image) { i.Size = 4096 }},
		{name: "NotCounted", most: 0.5, alterOld: sized(10 << 20), alterNow: sized(1 << 20), want: []string{"it has 1.0 MiB, it had 10 MiB"}},
		{name: "NotCountedAndSmall", most: 0.5, alterOld: sized(40000), alterNow: sized(4096)},
		{name: "NotCountedAnyMore", old: "a=500", most: 0.5, alterNow: sized(1 << 20)},
		{name: "OtherExport", most: 0.5, alterOld: sized(10 << 20), alterNow: func(i *snapshot.Image) { sized(1 << 20)(i); i.Export = "compact" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, now := imageWith(t, tt.old), imageWith(t, tt.now)
			if tt.alterOld != nil {
				tt.alterOld(&old)
			}
			if tt.alterNow != nil {
				tt.alterNow(&now)
			}
			if got := (snapshot.Guard{MaxShrink: tt.most}).Compare(&old, &now); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// manyTables returns an image of n tables t0 to t(n-1), without those below from.
func manyTables(from, n int) *snapshot.Image {
	rows := []snapshot.TableRows{}
	for i := from; i < n; i++ {
		rows = append(rows, snapshot.TableRows{Name: fmt.Sprintf("t%d", i), Rows: 1})
	}
	image := &snapshot.Image{Size: 1 << 20, Export: "pages"}
	image.SetRows(rows)
	return image
}

// TestGuardOfManyTables checks that a missing table is noticed among any number of tables, or
// that Uncompared says that it cannot be.
func TestGuardOfManyTables(t *testing.T) {
	t.Parallel()
	guard := snapshot.Guard{MaxShrink: 0.5}
	for _, tt := range []struct {
		name     string
		old, now *snapshot.Image
		want     string
		blind    bool
	}{
		{"Same", manyTables(0, 300), manyTables(0, 300), "", false},
		{"OneGone", manyTables(0, 300), manyTables(1, 300), "1 of its 300 tables is gone", false},
		{"OneForAnother", manyTables(0, 1000), manyTables(1, 1001), "1 of its 1,000 tables is gone", false},
		{"FromMarksToList", manyTables(0, 300), manyTables(100, 300), "100 of its 300 tables are gone", false},
		{"FromListToMarks", manyTables(0, 200), manyTables(1, 300), `table "t0" is gone`, false},
		{"AllGone", manyTables(0, 300), manyTables(0, 0), "it has no tables, it had 300", false},
		{"Most", manyTables(0, 60000), manyTables(3, 60000), "3 of its 60,000 tables are gone", false},
		{"TooMany", manyTables(0, 70000), manyTables(1, 70000), "", true},
	} {
		got := strings.Join(guard.Compare(tt.old, tt.now), "; ")
		if tt.name == "Most" { // two of 60,000 tables may have the same mark
			got = strings.NewReplacer("59,999", "60,000", "59,998", "60,000", "59,997", "60,000").Replace(got)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got := guard.Uncompared(tt.now) != ""; got != tt.blind {
			t.Errorf("%s: uncompared: got %t, want %t", tt.name, got, tt.blind)
		}
	}
}

// TestGuardOfStreams checks that a stream never replaces a database unnoticed.
func TestGuardOfStreams(t *testing.T) {
	t.Parallel()
	database, stream := manyTables(0, 1), &snapshot.Image{Size: 30, Export: snapshot.ExportStream}
	guard := snapshot.Guard{MaxShrink: 1}
	for _, tt := range []struct {
		old, now *snapshot.Image
		want     string
	}{{database, stream, "it is no database, it was one"}, {stream, database, "it is a database, it was something else"}, {stream, stream, ""}} {
		if got := strings.Join(guard.Compare(tt.old, tt.now), "; "); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	uncounted := &snapshot.Image{Size: 1 << 20, Export: "pages"}
	if guard.Uncompared(uncounted) == "" || guard.Uncompared(stream) != "" {
		t.Error("uncompared: want it of a database whose rows are not known alone")
	}
}
