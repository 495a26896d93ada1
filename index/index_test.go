package index_test

import (
	"fmt"
	"slices"
	"testing"

	"firn/chunk"
	"firn/index"
	"firn/pack"
)

// The IDs of tests are letters: blobs are a, b, c, packs are P, Q, R.
func blobID(c byte) chunk.ID { return chunk.ID{c} }
func packID(c byte) pack.ID  { return pack.ID{c} }

// entry reads "a", a whole blob, or "a<b", a delta on b, or "a<<b", a deeper one.
func entry(s string) pack.Entry {
	e := pack.Entry{Kind: chunk.Data, ID: blobID(s[0]), Codec: chunk.Zstd}
	if depth := len(s) - 2; depth > 0 {
		e.Codec, e.Depth, e.Base = chunk.Delta, uint8(depth), blobID(s[len(s)-1])
	}
	return e
}

// build makes an index of packs such as "P a b<a": a name and entries.
func build(packs ...string) *index.Index {
	x := index.New()
	for _, p := range packs {
		add(x, p)
	}
	return x
}

func add(x *index.Index, p string) {
	var entries []pack.Entry
	for at := 2; at < len(p); {
		end := at
		for end < len(p) && p[end] != ' ' {
			end++
		}
		entries = append(entries, entry(p[at:end]))
		at = end + 1
	}
	x.Add(packID(p[0]), entries)
}

// show writes a chain or places as "P:a Q!:b", with ! for condemned packs.
func show(list []index.Location) string {
	s := ""
	for i, l := range list {
		if i > 0 {
			s += " "
		}
		s += string(l.Pack[0])
		if l.Condemned {
			s += "!"
		}
		s += ":" + string(l.ID[0])
	}
	return s
}

func TestChain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		packs     []string
		condemned string
		removed   string
		blob      byte
		chain     string // to decode it
		available string // for a new snapshot
	}{
		"Whole":                     {[]string{"P a"}, "", "", 'a', "P:a", "P:a"},
		"Unknown":                   {[]string{"P a"}, "", "", 'b', "", ""},
		"Removed":                   {[]string{"P a"}, "", "P", 'a', "", ""},
		"Condemned":                 {[]string{"P a"}, "P", "", 'a', "P!:a", ""},
		"CondemnedAndRemoved":       {[]string{"P a"}, "P", "P", 'a', "", ""},
		"Delta":                     {[]string{"P a b<a"}, "", "", 'b', "P:b P:a", "P:b P:a"},
		"ThreeDeltas":               {[]string{"P a", "Q b<a", "R c<<b d<<<c"}, "", "", 'd', "R:d R:c Q:b P:a", "R:d R:c Q:b P:a"},
		"NoBase":                    {[]string{"P b<a"}, "", "", 'b', "", ""},
		"BaseRemoved":               {[]string{"P a", "Q b<a"}, "", "P", 'b', "", ""},
		"BaseCondemned":             {[]string{"P a", "Q b<a"}, "P", "", 'b', "Q:b P!:a", ""},
		"DeepBaseCondemned":         {[]string{"P a", "Q b<a", "R c<<b"}, "P", "", 'c', "R:c Q:b P!:a", ""},
		"Duplicate":                 {[]string{"P a", "Q a"}, "", "", 'a', "P:a", "P:a"},
		"DuplicateCondemned":        {[]string{"P a", "Q a"}, "P", "", 'a', "Q:a", "Q:a"},
		"DuplicateRemoved":          {[]string{"P a", "Q a"}, "", "P", 'a', "Q:a", "Q:a"},
		"BothCondemned":             {[]string{"P a", "Q a"}, "PQ", "", 'a', "P!:a", ""},
		"InOnePackTwice":            {[]string{"P a a"}, "", "", 'a', "P:a", "P:a"},
		"WholeBeforeDelta":          {[]string{"P a b<a", "Q b"}, "", "", 'b', "Q:b", "Q:b"},
		"DeltaBeforeCondemnedWhole": {[]string{"P a b<a", "Q b"}, "Q", "", 'b', "P:b P:a", "P:b P:a"},
		"ShallowBeforeDeep":         {[]string{"P a b<<a", "Q b<a"}, "", "", 'b', "Q:b P:a", "Q:b P:a"},
		"BaseCopiedElsewhere":       {[]string{"P a", "Q b<a", "R a"}, "P", "", 'b', "Q:b R:a", "Q:b R:a"},
		"SecondPlaceLeadsOn":        {[]string{"P b<x", "Q b<<a", "R a"}, "", "", 'b', "Q:b R:a", "Q:b R:a"},
		"UsableChainFirst":          {[]string{"P a", "Q b<a", "R b<<c c"}, "P", "", 'b', "R:b R:c", "R:b R:c"},
		"Circle":                    {[]string{"P a<b", "Q b<a"}, "", "", 'a', "", ""},
		"CircleOfThree":             {[]string{"P a<b", "Q b<c", "R c<a"}, "", "", 'b', "", ""},
		"CircleWithAWayOut":         {[]string{"P a<b", "Q b<a", "R a"}, "", "", 'b', "Q:b R:a", "Q:b R:a"},
		"WayOutCondemned":           {[]string{"P a<b", "Q b<a", "R a"}, "R", "", 'b', "Q:b R!:a", ""},
		"WayOutBehindCircle":        {[]string{"P a<b", "Q b<a", "R b<<c", "S c"}, "", "", 'a', "P:a R:b S:c", "P:a R:b S:c"},
		"OwnBase":                   {[]string{"P a<a"}, "", "", 'a', "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := build(test.packs...)
			for _, c := range []byte(test.condemned) {
				x.Condemn(packID(c))
			}
			for _, c := range []byte(test.removed) {
				x.Remove(packID(c))
			}
			id := blobID(test.blob)
			if got := show(x.Chain(id)); got != test.chain {
				t.Errorf("Chain = %q, want %q", got, test.chain)
			}
			if got := show(x.AvailableChain(id)); got != test.available {
				t.Errorf("AvailableChain = %q, want %q", got, test.available)
			}
			if got := x.Available(id); got != (test.available != "") {
				t.Errorf("Available = %t, want %t", got, !got)
			}
		})
	}
}

// Blobs with many places must not be tried in all combinations.
func TestChainOfManyDeadEnds(t *testing.T) {
	t.Parallel()
	x := index.New()
	const n = 100
	for copy := range 3 { // each blob is a delta on the next, three times; the last is missing
		var entries []pack.Entry
		for i := range n {
			entries = append(entries, pack.Entry{Kind: chunk.Data, ID: blobID(byte(i)), Codec: chunk.Delta, Depth: 1, Base: blobID(byte(i + 1))})
		}
		x.Add(packID(byte('P'+copy)), entries)
	}
	if x.Chain(blobID(0)) != nil || x.Available(blobID(0)) {
		t.Error("a blob without a base is available")
	}
	x.Add(packID('Z'), []pack.Entry{{Kind: chunk.Data, ID: blobID(n), Codec: chunk.Raw}})
	if got := x.Chain(blobID(0)); len(got) != n+1 {
		t.Errorf("a chain of %d, want %d", len(got), n+1)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	x := build("P a", "Q a<b", "R a<<<b", "S a", "T a<<b", "U a", "V x")
	x.Condemn(packID('P'))
	x.Condemn(packID('Q'))
	x.Remove(packID('U'))
	if got, want := show(x.Places(blobID('a'))), "S:a T:a R:a P!:a Q!:a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := x.Places(blobID('b')); got != nil {
		t.Errorf("places of a blob that no pack holds: %q", show(got))
	}
	x.Remove(packID('V'))
	if got := x.Places(blobID('x')); len(got) != 0 {
		t.Errorf("places in packs that are gone: %q", show(got))
	}
}

func TestCarriers(t *testing.T) {
	t.Parallel()
	x := build("P a", "Q b<a", "R c", "S d<x", "T e a")
	for ids, want := range map[string]string{"": "", "a": "P", "b": "PQ", "ac": "PR", "bbe": "PQT", "ad": "-", "z": "-"} {
		list := make([]chunk.ID, len(ids))
		for i, c := range []byte(ids) {
			list[i] = blobID(c)
		}
		packs, ok := x.Carriers(slices.Values(list))
		got := ""
		for _, p := range packs {
			got += string(p[0])
		}
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%q: got packs %q, want %q", ids, got, want)
		}
	}
}

func TestPacks(t *testing.T) {
	t.Parallel()
	x := build("P a b", "Q b c", "R")
	want := func(what, packs string, blobs int) {
		t.Helper()
		got := ""
		for _, id := range x.Packs() {
			got += string(id[0])
		}
		if got != packs || x.Blobs() != blobs {
			t.Errorf("%s: packs %q with %d blobs, want %q with %d", what, got, x.Blobs(), packs, blobs)
		}
		for _, c := range []byte("PQRS") {
			if has := x.Has(packID(c)); has != slices.Contains([]byte(packs), c) {
				t.Errorf("%s: Has(%c) = %t", what, c, has)
			}
		}
	}
	want("built", "PQR", 3)
	add(x, "P z")
	want("added twice", "PQR", 3)
	x.Condemn(packID('S'))
	x.Remove(packID('S'))
	want("unknown pack condemned and removed", "PQR", 3)
	x.Condemn(packID('Q'))
	want("condemned", "PQR", 3)
	if got := x.Entries(packID('Q')); len(got) != 2 || got[1] != entry("c") {
		t.Errorf("entries %v", got)
	}
	x.Remove(packID('Q'))
	want("removed", "PR", 3)
	if got := x.Entries(packID('Q')); got != nil {
		t.Errorf("entries of a pack that is gone: %v", got)
	}
	add(x, "Q c")
	want("added again", "PRQ", 3)
	if !x.Available(blobID('c')) {
		t.Error("a pack that is added again is still condemned or gone")
	}
	if got := index.New().Packs(); len(got) != 0 {
		t.Errorf("a new index has packs %v", got)
	}
}

// many returns an index of n blobs in packs of 1000, one in three a delta, and their IDs.
func many(n int) (*index.Index, []chunk.ID) {
	x := index.New()
	var ids []chunk.ID
	var entries []pack.Entry
	for i := range n {
		e := pack.Entry{Kind: chunk.Data, ID: chunk.ID{byte(i), byte(i >> 8), byte(i >> 16)}, Codec: chunk.Zstd}
		if i%3 == 2 {
			e.Codec, e.Depth, e.Base = chunk.Delta, 1, ids[i-1]
		}
		ids = append(ids, e.ID)
		if entries = append(entries, e); len(entries) == 1000 || i == n-1 {
			x.Add(pack.NewID(), entries)
			entries = nil
		}
	}
	return x, ids
}

func BenchmarkIndex(b *testing.B) {
	const n = 100_000
	b.Run("Add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			many(n)
		}
	})
	x, ids := many(n)
	for name, lookup := range map[string]func(chunk.ID) bool{
		"Available": x.Available,
		"Chain":     func(id chunk.ID) bool { return x.Chain(id) != nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(chunk.IDLen)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if !lookup(ids[i*7919%n]) {
					b.Fatal(fmt.Sprint("blob ", i, " is lost"))
				}
				i++
			}
		})
	}
}

// TestDamage has indexes of the same packs, made one after the other, find damage and mend it.
func TestDamage(t *testing.T) {
	t.Parallel()
	all := index.NewDamage()
	x := index.NewWith(all.Fork())
	add(x, "P a")
	before := x.With(all.Fork())
	x.Spoil(packID('P'), blobID('a'))
	after := x.With(all.Fork())
	if x.Available(blobID('a')) || after.Available(blobID('a')) || !before.Available(blobID('a')) {
		t.Error("want the damage to be known to its finder and to later indexes, and to no earlier one")
	}
	other := index.NewDamage()
	other.Merge(all)
	after.Mend(packID('P'), blobID('a'))
	if !after.Available(blobID('a')) || !x.With(all).Available(blobID('a')) || x.Available(blobID('a')) {
		t.Error("want the damage to be mended for its mender and for later indexes, and for no earlier one")
	}
	if x.With(other).Available(blobID('a')) {
		t.Error("Merge has lost the damage")
	}
	other.Replace(index.NewDamage())
	if !x.With(other).Available(blobID('a')) {
		t.Error("Replace has left the damage")
	}
}

func TestMend(t *testing.T) {
	t.Parallel()
	x := build("P a", "Q b<a")
	x.Spoil(packID('P'), blobID('a'))
	if x.Available(blobID('b')) {
		t.Error("a blob whose base is spoiled is available")
	}
	x.Mend(packID('P'), blobID('a'))
	if !x.Available(blobID('b')) {
		t.Error("a blob whose base was mended is not available")
	}
}
