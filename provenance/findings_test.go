package provenance_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/provenance"
	"firn/snapshot"
)

// TestFindings compares parts of pages, of which SQLite has written the second one and all from the fifth on. The stored image is
// no database, so that no part of it can be named.
func TestFindings(t *testing.T) {
	t.Parallel()
	was := bytes.Repeat([]byte{7}, 6*512)
	since := &snapshot.Snapshot{ID: snapshot.NewID(), Time: time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC), Images: []snapshot.Image{{}}}
	for name, tt := range map[string]struct {
		changed []int // bytes
		want    string
	}{
		"None":           {nil, ""},
		"Written":        {[]int{512, 1023, 4 * 512, 6*512 - 1}, ""},
		"BesideWritten":  {[]int{511, 600, 1024}, "page 1, page 3,"},
		"AtAChunksEnd":   {[]int{699, 700, 3 * 512}, "page 4,"},
		"TwiceOnOnePage": {[]int{3, 400}, "page 1,"},
	} {
		is := bytes.Clone(was)
		for _, at := range tt.changed {
			is[at]++
		}
		trace := provenance.New(512, [][2]int64{{512, 1024}, {2048, math.MaxInt64}}, since)
		trace.Compare(700, was[700:], is[700:1800]) // chunks end anywhere, and in either image first
		trace.Compare(0, was[:700], is)
		trace.Compare(1800, was[1800:], is[1800:])
		got := trace.Findings(bytes.NewReader(was), int64(len(was)), since.Time.Add(time.Hour))
		if tt.want == "" && got == nil {
			continue
		}
		want := "a change that SQLite has not written: " + tt.want + " between 2026-03-14 03:00:00 and 2026-03-14 04:00:00 UTC; "
		if len(got) != 1 || tt.want == "" || !strings.HasPrefix(got[0], want) || !slices.Equal(snapshot.UnwrittenChanges(got), got) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
