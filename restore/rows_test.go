package restore_test

import (
	"slices"
	"testing"

	"firn/restore"
	"firn/snapshot"
)

func TestDiffering(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		a, b    restore.Rows
		want    []string
		total   int64
		counted bool // all of a
	}{
		{"Same", restore.Rows{"t": 1, "u": 2}, restore.Rows{"t": 1, "u": 2}, nil, 3, true},
		{"Fewer", restore.Rows{"u": 1, "t": 1}, restore.Rows{"u": 2, "t": 0}, []string{"t", "u"}, 2, true},
		{"NoSuchTable", restore.Rows{"t": 0}, restore.Rows{}, []string{"t"}, 0, true},
		{"UnknownHere", restore.Rows{"t": -1, "u": 4}, restore.Rows{"t": 0, "u": 4}, []string{"t"}, 0, false},
		{"BothUnknown", restore.Rows{"t": -1}, restore.Rows{"t": -2}, nil, 0, false},
		{"NothingKnownHere", nil, restore.Rows{"t": 1}, nil, 0, false},
		{"NothingKnownThere", restore.Rows{"t": 1}, nil, nil, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.a.Differing(tt.b); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := tt.b.Differing(tt.a); !slices.Equal(got, tt.want) {
				t.Errorf("the other way got %q, want %q", got, tt.want)
			}
			if total, known := tt.a.Total(); total != tt.total || known != tt.counted {
				t.Errorf("got %d, %t in all, want %d, %t", total, known, tt.total, tt.counted)
			}
		})
	}
}

func TestRowsOf(t *testing.T) {
	t.Parallel()
	if got := restore.RowsOf(&snapshot.Image{}); got != nil {
		t.Errorf("got %v of an image without counts, want nil", got)
	}
	got := restore.RowsOf(&snapshot.Image{Tables: []snapshot.TableRows{{Name: "t", Rows: 7}}})
	if len(got) != 1 || got["t"] != 7 {
		t.Errorf("got %v", got)
	}
}
