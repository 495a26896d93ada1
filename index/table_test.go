package index_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"firn/chunk"
	"firn/index"
	"firn/pack"
)

// numbered returns the i-th ID. Of scattered ones the first bytes differ, as those of
// MACs do; the others have the same.
func numbered(i int, scattered bool) (id chunk.ID) {
	if scattered {
		binary.LittleEndian.PutUint64(id[:], uint64(i+1)*0x9e3779b97f4a7c15)
	}
	binary.LittleEndian.PutUint64(id[24:], uint64(i))
	return id
}

// numberedPacks makes packs of n whole blobs in all.
func numberedPacks(n, perPack int, scattered bool) [][]pack.Entry {
	var packs [][]pack.Entry
	for i := range n {
		if i%perPack == 0 {
			packs = append(packs, make([]pack.Entry, 0, perPack))
		}
		last := &packs[len(packs)-1]
		*last = append(*last, pack.Entry{Kind: chunk.Data, ID: numbered(i, scattered), Codec: chunk.Zstd, Offset: uint32(i % perPack)})
	}
	return packs
}

func addNumbered(x *index.Index, packs [][]pack.Entry) {
	for i, entries := range packs {
		x.Add(pack.ID{byte(i), byte(i >> 8), byte(i >> 16)}, entries)
	}
}

func TestFindsEachOfMany(t *testing.T) {
	t.Parallel()
	for _, scattered := range []bool{true, false} {
		t.Run(fmt.Sprintf("scattered=%v", scattered), func(t *testing.T) {
			t.Parallel()
			const n, perPack = 1000, 7
			x := index.New()
			addNumbered(x, numberedPacks(n, perPack, scattered))
			if got := x.Blobs(); got != n {
				t.Errorf("%d blobs, want %d", got, n)
			}
			for i := range n {
				want := pack.ID{byte(i / perPack)}
				places := x.Places(numbered(i, scattered))
				if len(places) != 1 || places[0].Pack != want || places[0].ID != numbered(i, scattered) || places[0].Offset != uint32(i%perPack) {
					t.Fatalf("blob %d: got %v, want one place in %v", i, places, want)
				}
			}
			for i := n; i < 2*n; i++ {
				if x.Available(numbered(i, scattered)) {
					t.Fatalf("blob %d is available", i)
				}
			}
		})
	}
}

// Two million blobs must fit: beside the entries, which are the caller's, a blob takes
// a slot of 8 bytes in a table that is three eighths full at least, and while the table
// grows, that of the half before.
func TestMemoryOfBlobs(t *testing.T) { // not parallel: it counts what is allocated
	const n, limit = 100_000, 48
	packs := numberedPacks(n, 130, true)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := index.New()
	addNumbered(x, packs)
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / n; got > limit {
		t.Errorf("%d bytes allocated a blob, want at most %d", got, limit)
	}
	if got := (after.Mallocs - before.Mallocs); got > n/100 {
		t.Errorf("%d allocations for %d blobs, want none for each", got, n)
	}
	if got := testing.AllocsPerRun(100, func() { x.Available(numbered(7, true)) }); got > 4 {
		t.Errorf("%v allocations a look-up, want at most 4", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	const n = 100_000
	packs := numberedPacks(n, 130, true)
	b.ReportAllocs()
	for b.Loop() {
		addNumbered(index.New(), packs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/blob")
}

func BenchmarkAvailable(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("blobs=%d", n), func(b *testing.B) {
			x := index.New()
			addNumbered(x, numberedPacks(n, 130, true))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				x.Available(numbered(i*7919%n, true))
			}
		})
	}
}
