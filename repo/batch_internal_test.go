package repo

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/objectcache"
	"firn/pack"
)

// packOf returns the locations of whole blobs of the given lengths, one after the
// other in a pack.
func packOf(id pack.ID, lengths ...int) []index.Location {
	at := crypt.HeaderLen
	places := make([]index.Location, 0, len(lengths))
	for i, n := range lengths {
		e := pack.Entry{Kind: chunk.Data, ID: chunk.ID{byte(i)}, Offset: uint32(at), Length: uint32(n)}
		places, at = append(places, index.Location{Pack: id, Entry: e}), at+n
	}
	return places
}

// describe writes extents as the numbers of their wanted blobs, with a ! for each that is a whole pack.
func describe(extents []*extent) string {
	var b strings.Builder
	for _, e := range extents {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		for _, l := range e.wanted {
			fmt.Fprint(&b, l.ID[0])
		}
		if e.whole {
			b.WriteByte('!')
		}
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const kib, mib = 1 << 10, 1 << 20
	for name, test := range map[string]struct {
		lengths []int
		wanted  []int
		cache   int64  // its size
		want    string // see describe
	}{
		"Neighbours":    {[]int{kib, kib, kib}, []int{0, 1}, 0, "01"},
		"AnyOrder":      {[]int{kib, kib, kib}, []int{2, 0, 1}, 0, "012"},
		"Twice":         {[]int{kib, kib}, []int{1, 0, 1}, 0, "01"},
		"Gap":           {[]int{kib, gapMax, kib}, []int{0, 2}, 0, "02"},
		"LargeGap":      {[]int{kib, gapMax + 1, kib}, []int{0, 2}, 0, "0 2"},
		"Full":          {[]int{4 * mib, 4 * mib, kib}, []int{0, 1, 2}, 0, "01 2"},
		"LargeBlob":     {[]int{kib, extentMax + kib, kib}, []int{0, 1, 2}, 0, "0 1 2"},
		"SmallPack":     {[]int{kib, 200 * kib, kib}, []int{0, 2}, mib, "02!"},
		"Half":          {[]int{6 * mib, 6 * mib, mib}, []int{0, 2}, 64 * mib, "02!"},
		"NotHalf":       {[]int{5 * mib, 8 * mib, mib}, []int{0, 2}, 64 * mib, "0 2"},
		"CacheTooSmall": {[]int{6 * mib, 6 * mib, mib}, []int{0, 2}, 8 * mib, "0 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := Options{CacheDir: t.TempDir(), CacheSize: test.cache}.packCache()
			r := newRepo(Options{}, objectcache.Open(""), cache).newReader(&inventory{index: index.New()})
			places := packOf(pack.ID{1}, test.lengths...)
			entries := make([]pack.Entry, len(places))
			for i, l := range places {
				entries[i] = l.Entry
			}
			r.index().Add(pack.ID{1}, entries)
			var wanted []index.Location
			for _, i := range test.wanted {
				wanted = append(wanted, places[i])
			}
			all := demandOf(slices.Values(wanted))
			extents := r.plan(distinct(wanted), all)
			if got := describe(extents); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, e := range extents {
				first, last := e.wanted[0], e.wanted[len(e.wanted)-1]
				from, to := int64(first.Offset), int64(last.Offset)+int64(last.Length)
				if e.whole {
					from, to = 0, pack.Size(entries)
				}
				if e.from != from || e.to != to {
					t.Errorf("%q reads %d to %d, want %d to %d", describe([]*extent{e}), e.from, e.to, from, to)
				}
			}
		})
	}
}

// TestPlanOfPacks has blobs of two packs at the same offsets.
func TestPlanOfPacks(t *testing.T) {
	t.Parallel()
	r := newRepo(Options{}, objectcache.Open(""), nil).newReader(&inventory{index: index.New()})
	wanted := slices.Concat(packOf(pack.ID{2}, 100, 100), packOf(pack.ID{1}, 100, 100))
	extents := r.plan(distinct(wanted), nil)
	if got := describe(extents); got != "01 01" || extents[0].pack != (pack.ID{1}) {
		t.Errorf("got %q, the first of pack %s, want one request for each pack in their order", got, extents[0].pack)
	}
}
