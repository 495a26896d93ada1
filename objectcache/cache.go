// Package objectcache keeps copies of a repository's small objects on this host's disk, so that a run asks the store for few of
// them.
package objectcache

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"firn/pack"
)

// Cache keeps copies of write-once objects (records, notes, plans, keys, the
// configuration) and of the tails of packs in one append-only local file:
//
//	offset  size  field
//	0       4     length of the name
//	4       4     length of the content
//	8       4     CRC-32 (IEEE) of name and content
//	12      n     name
//	12+n    m     content
//
// Contents are sealed as in the repository and are opened again at every use:
// only with [firn/repo.Options].TrustCache is the cache believed, about which packs exist.
// It can be deleted at any time, half of an entry at the end is ignored, and
// every error of it costs time only: it is not reported. It is safe for concurrent use.
type Cache struct {
	path string // "" for a cache in memory only

	mu      sync.Mutex
	clock   uint64 // counts listings
	objects map[string]cached
	stored  int      // bytes of the file; less than zero if it must be replaced
	pending []string // names of the entries to append
}

// cached is an entry. Nothing changes the bytes of its content.
type cached struct {
	content []byte
	put     uint64 // by the cache's clock; 0 for an entry of the file
}

const (
	cacheFile   = "objects"
	cacheHeader = 12
	// TokenEntry is the name of the entry with the token of the plans under which the cached tails are those of every pack of
	// the repository, and with the Unix time at which that was, behind a space.
	TokenEntry = StatePrefix + "token"
	// StatePrefix begins the names of entries that are no copies from the store.
	StatePrefix = "state/"
	// A cache file is rewritten when more than half of it is of no use, unless
	// it is small anyway.
	cacheSlack = 1 << 20
)

// Open reads the cache in dir; an empty dir means none.
func Open(dir string) *Cache {
	c := &Cache{objects: make(map[string]cached)}
	if dir == "" {
		return c
	}
	c.path = filepath.Join(dir, cacheFile)
	b, err := os.ReadFile(c.path)
	if err != nil {
		return c
	}
	c.load(b)
	return c
}

// load reads the file's entries. Every write ends with the token under which the
// writer's tails were all packs. Where these tokens differ, processes have overlapped, and
// no token holds for all tails. A tail may be of a pack that was swept before the process
// with the later token listed the packs, so that this process never knew of it. Then there
// is no token, and the next run lists the packs.
func (c *Cache) load(b []byte) {
	var last string
	tokens := make(map[string]bool)
	for len(b) >= cacheHeader {
		n, m := uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:]))
		sum := binary.LittleEndian.Uint32(b[8:])
		if n+m > uint64(len(b)-cacheHeader) {
			break
		}
		entry := b[cacheHeader : cacheHeader+n+m]
		if crc32.ChecksumIEEE(entry) != sum {
			break
		}
		last = string(entry[:n])
		c.objects[last] = cached{content: entry[n:]}
		if last == TokenEntry {
			tokens[TokenOf(entry[n:])] = true
		}
		c.stored += cacheHeader + len(entry)
		b = b[cacheHeader+n+m:]
	}
	if len(b) > 0 || last != TokenEntry || len(tokens) > 1 { // nothing may be appended behind a torn entry
		delete(c.objects, TokenEntry)
		c.replaceNext()
	}
}

// TokenOf returns the token in a token entry, without its time.
func TokenOf(entry []byte) string {
	token, _, _ := strings.Cut(string(entry), " ")
	return token
}

// Tick begins a listing. The listing need not show objects that are put from now on.
func (c *Cache) Tick() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	return c.clock
}

// Get returns a cached object, whose bytes the caller must not change.
func (c *Cache) Get(name string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.objects[name]
	return e.content, ok
}

// Each calls do with each entry. Meanwhile nothing else can use the cache, do included.
func (c *Cache) Each(do func(name string, content []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, e := range c.objects {
		do(name, e.content)
	}
}

// Put remembers an object until the next flush writes it. The cache keeps the slice.
func (c *Cache) Put(name string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(name, content)
}

// set is put for a caller that holds the lock.
func (c *Cache) set(name string, content []byte) {
	if old, ok := c.objects[name]; ok && string(old.content) == string(content) {
		c.objects[name] = cached{old.content, c.clock}
		return
	}
	c.objects[name] = cached{content, c.clock}
	c.pending = append(c.pending, name)
}

// PutTail remembers the tail of a pack that an operation has seen or stored under the plans of
// a token. If the cache's tails belong to other plans, no token is right any more: the pack
// may have been swept before the packs were listed under the other plans. Then the token
// goes, and the next run lists the packs.
func (c *Cache) PutTail(name string, tail []byte, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if TokenOf(c.objects[TokenEntry].content) != token {
		delete(c.objects, TokenEntry)
	}
	c.set(name, tail)
}

// ReplaceTails drops the tails of packs that are not listed, adds others, and sets the token
// of the plans under which these are the tails of all packs.
func (c *Cache) ReplaceTails(listed map[string]bool, tails map[string][]byte, token string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := c.drop(func(name string, _ cached) bool {
		_, isPack := pack.ParseName(name)
		return isPack && !listed[name]
	})
	if gone > 0 || TokenOf(c.objects[TokenEntry].content) != token { // else the file would have tails of two tokens
		c.replaceNext()
	}
	for name, tail := range tails {
		c.set(name, tail)
	}
	c.set(TokenEntry, fmt.Appendf(nil, "%s %d", token, now.Unix()))
}

func appendCacheEntry(dst []byte, name string, content []byte) []byte {
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(name)), crc32.IEEETable, content)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(name)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(content)))
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(append(dst, name...), content...)
}

// drop drops unwanted entries, such as those of deleted objects, and returns how many. They
// stay in the file until it is replaced. The caller holds the lock.
func (c *Cache) drop(unwanted func(name string, e cached) bool) int {
	before := len(c.objects)
	maps.DeleteFunc(c.objects, unwanted)
	return before - len(c.objects)
}

// DropUnlisted drops objects that a listing would show, if they were put before it began.
func (c *Cache) DropUnlisted(began uint64, unlisted func(name string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(func(name string, e cached) bool { return e.put < began && unlisted(name) })
}

// Remove drops the entries of objects that were deleted.
func (c *Cache) Remove(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.objects, name)
	}
}

// Erase is remove for entries that must not come back from the file either.
func (c *Cache) Erase(names ...string) {
	c.Remove(names...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replaceNext()
}

// replaceNext makes the next flush replace the file, so that dropped entries do not come
// back. The caller holds the lock.
func (c *Cache) replaceNext() { c.stored, c.pending = -1, nil }

// Clear forgets everything, for a store that turned out to hold another repository.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.objects)
	c.replaceNext()
}

// Copies returns all that the cache holds, and the time by the cache's clock.
func (c *Cache) Copies() (map[string][]byte, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	all := make(map[string][]byte, len(c.objects))
	for name, e := range c.objects {
		all[name] = e.content
	}
	return all, c.clock
}

// Flush writes the new entries: by appending, or, when the file is torn or mostly of no
// use, by replacing it. Two processes may append at once. If one replaces the file while
// another appends, entries are lost, which costs time only.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path == "" || len(c.pending) == 0 && c.stored >= 0 {
		return
	}
	if os.MkdirAll(filepath.Dir(c.path), 0o700) != nil {
		return
	}
	if all := c.size(maps.Keys(c.objects)); c.stored < 0 || all*2+cacheSlack < c.stored+c.size(slices.Values(c.pending)) {
		c.replace()
	} else {
		c.append()
	}
	c.pending = nil
}

// size returns the bytes that entries take in the file.
func (c *Cache) size(names iter.Seq[string]) int {
	n := 0
	for name := range names {
		n += cacheHeader + len(name) + len(c.objects[name].content)
	}
	return n
}

// encode makes entries, and at their end that of their token, an empty one for none.
func (c *Cache) encode(names iter.Seq[string]) []byte {
	b := make([]byte, 0, c.size(names)+cacheHeader+len(TokenEntry)+len(c.objects[TokenEntry].content))
	for name := range names {
		if e, ok := c.objects[name]; ok && name != TokenEntry {
			b = appendCacheEntry(b, name, e.content)
		}
	}
	return appendCacheEntry(b, TokenEntry, c.objects[TokenEntry].content)
}

// append writes the pending entries at once, so that those of another process do not get between.
func (c *Cache) append() {
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if n, err := f.Write(c.encode(slices.Values(c.pending))); err == nil {
		c.stored += n
	}
}

// replace writes the whole cache to a temporary file and renames it. There is no
// fsync: a cache that a power cut tore is recognised by its checksums.
func (c *Cache) replace() {
	b := c.encode(maps.Keys(c.objects))
	f, err := os.CreateTemp(filepath.Dir(c.path), cacheFile+".*")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), c.path) != nil {
		_ = os.Remove(f.Name())
		return
	}
	c.stored = len(b)
}

// Adopt takes over the objects that another cache has got from the store, in place of all
// that this one had when the other began. Objects that were put here since then stay, and so do those whose names keeps reports.
func (c *Cache) Adopt(other *Cache, began uint64, keeps func(name string) bool) {
	fresh, _ := other.Copies()
	c.mu.Lock()
	defer c.mu.Unlock()
	since := c.tailsSince(began)
	c.drop(func(name string, e cached) bool {
		_, known := fresh[name]
		return e.put < began && !known
	})
	for name, content := range fresh {
		if keeps(name) { // it came from here
			continue
		}
		if own, ok := c.objects[name]; !ok || own.put < began {
			c.set(name, content)
		}
	}
	if since { // the tails are not those of one listing
		delete(c.objects, TokenEntry)
	}
	c.replaceNext()
}

// tailsSince reports whether tails of packs were put, or listed, at some time or later. The
// caller holds the lock.
func (c *Cache) tailsSince(began uint64) bool {
	for name, e := range c.objects {
		_, isPack := pack.ParseName(name)
		if (isPack || name == TokenEntry) && e.put >= began {
			return true
		}
	}
	return false
}
