package objectcache

import (
	"bytes"
	"maps"
	"path/filepath"
	"testing"
)

// FuzzLoadCache loads any bytes as a cache file, and saves them again.
func FuzzLoadCache(f *testing.F) {
	good := appendCacheEntry(appendCacheEntry(nil, "meta/config", []byte("{}")), TokenEntry, nil)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Cache{objects: make(map[string]cached)}
		c.load(b)
		if c.stored > len(b) || c.size(maps.Keys(c.objects)) > len(b) {
			t.Errorf("got %d bytes of %d", c.size(maps.Keys(c.objects)), len(b))
		}
		c.path = filepath.Join(t.TempDir(), cacheFile)
		c.Put("more", []byte("content"))
		want := maps.Clone(c.objects)
		want[TokenEntry] = c.objects[TokenEntry] // a file ends with one, if only an empty one
		c.replaceNext()
		c.Flush()
		if back := Open(filepath.Dir(c.path)); !maps.EqualFunc(back.objects, want, sameContent) {
			t.Errorf("got %d objects back, want %d", len(back.objects), len(want))
		}
	})
}

func sameContent(a, b cached) bool { return bytes.Equal(a.content, b.content) }
