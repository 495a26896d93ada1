package snapshot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firn/snapshot"
)

// TestLongFindings records what a hostile database makes long. What is left of it is bounded, and stays as it is when it is recorded
// again.
func TestLongFindings(t *testing.T) {
	t.Parallel()
	const most = 64<<10 + 100 // the end of a text that was shortened has some bytes, too
	long := func(n int) string { return strings.Repeat("ü", n/2) }
	for name, tt := range map[string]struct {
		texts []string
		want  int
	}{
		"None": {nil, 0}, "Short": {[]string{"table a", "table b"}, 2}, "OneLong": {[]string{long(100 << 10)}, 1},
		"LastLong": {[]string{"table a", long(100 << 10)}, 2}, "ManyLong": {slices.Repeat([]string{long(10 << 10)}, 20), 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := minimal()
			s.SetProof(&snapshot.Verification{Time: time.Unix(1, 0), How: snapshot.HowPages, Problem: long(100 << 10), Unchecked: tt.texts})
			b := marshal(t, s)
			got, err := snapshot.Unmarshal(b)
			if err != nil {
				t.Fatal(err)
			}
			v := got.Verified
			if len(v.Unchecked) != tt.want || len(v.Problem) > most || len(strings.Join(v.Unchecked, "")) > most+10<<10 {
				t.Errorf("got %d texts of %d bytes, and a problem of %d; want %d texts", len(v.Unchecked), len(strings.Join(v.Unchecked, "")), len(v.Problem), tt.want)
			}
			if len(tt.texts) > tt.want && v.Unchecked[tt.want-1] != "..." {
				t.Errorf("the list ends with %q", v.Unchecked[tt.want-1])
			}
			if again := marshal(t, got); !slices.Equal(again, b) {
				t.Error("what was shortened is shortened again")
			}
		})
	}
}
