package packcache_test

import (
	"bytes"
	"testing"
	"time"

	"firn/index"
	"firn/pack"
	"firn/packcache"
)

// place is a blob of 100 bytes in a pack.
func place(id pack.ID, offset uint32) index.Location {
	return index.Location{Pack: id, Entry: pack.Entry{Offset: offset, Length: 100}}
}

func get(t *testing.T, c *packcache.Cache, l index.Location, want []byte) {
	t.Helper()
	got, _, ok := c.Get(l)
	if ok != (want != nil) || ok != c.Has(l) || !bytes.Equal(got, want) {
		t.Errorf("pack %s at %d: got %d bytes, %t, want %d", l.Pack, l.Offset, len(got), ok, len(want))
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := packcache.Open(t.TempDir()+"/packs", 1<<20, time.Now)
	whole, part := pack.ID{1}, pack.ID{2}
	object := bytes.Repeat([]byte("0123456789"), 40)
	get(t, c, place(whole, 200), nil)
	c.PutPack(whole, object)
	c.PutBlob(place(part, 200), object[:100])
	get(t, c, place(whole, 200), object[200:300])
	get(t, c, place(whole, 350), nil) // the pack is too short, and goes
	get(t, c, place(whole, 200), nil)
	get(t, c, place(part, 200), object[:100])
	get(t, c, place(part, 100), nil)
	c.KeepOnly(map[string]bool{part.Name(): true})
	get(t, c, place(part, 200), object[:100])
	_, file, _ := c.Get(place(part, 200))
	c.Drop(file)
	get(t, c, place(part, 200), nil)
}

// TestTrim writes more than there is room for: the files that were used last stay.
func TestTrim(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir, clock := t.TempDir(), func() time.Time { return now }
	for i := range 40 {
		c := packcache.Open(dir, 100<<10, clock)
		c.PutPack(pack.ID{byte(i)}, make([]byte, 8<<10))
		c.Trim()
		now = now.Add(time.Minute)
	}
	c := packcache.Open(dir, 100<<10, clock)
	var there []byte
	for i := range 40 {
		if c.Has(place(pack.ID{byte(i)}, 0)) {
			there = append(there, byte(i))
		}
	}
	if len(there) == 0 || len(there) > 12 || int(there[0]) != 40-len(there) {
		t.Errorf("got packs %v, want the last dozen or fewer", there)
	}
	if c.Admits(1 << 20) {
		t.Error("a pack is admitted that is larger than the cache")
	}
}

// TestArriving waits for a pack that is on its way.
func TestArriving(t *testing.T) {
	t.Parallel()
	c := packcache.Open(t.TempDir(), 1<<20, time.Now)
	id, first, second := pack.ID{1}, make(chan struct{}), make(chan struct{})
	c.Expect(id, first)
	c.Expect(id, second) // by another operation
	c.Arrived(id, first)
	if c.Arriving(id) == nil {
		t.Error("the second is not waited for")
	}
	c.Arrived(id, second)
	if c.Arriving(id) != nil {
		t.Error("a pack is on its way that has come")
	}
}

// TestNone uses a nil cache, which keeps nothing.
func TestNone(t *testing.T) {
	t.Parallel()
	var c *packcache.Cache
	c.PutPack(pack.ID{1}, make([]byte, 100))
	c.PutBlob(place(pack.ID{1}, 0), make([]byte, 100))
	get(t, c, place(pack.ID{1}, 0), nil)
	c.Arrived(pack.ID{1}, nil)
	c.KeepOnly(nil)
	c.Drop("file")
	c.Trim()
	if c.Admits(1) || c.Arriving(pack.ID{1}) != nil {
		t.Error("a nil cache expects packs")
	}
}
