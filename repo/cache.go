package repo

import (
	"encoding/binary"
	"hash/crc32"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cache keeps copies of write-once objects (records, notes, plans, keys, the
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
// only with [Options].TrustCache is the cache believed, about which packs exist.
// It can be deleted at any time, half of an entry at the end is ignored, and
// every error of it costs time only: it is not reported.
type cache struct {
	path    string // "" for a cache in memory only
	objects map[string][]byte
	stored  int      // bytes of the file; less than zero if it must be replaced
	pending []string // names of the entries to append
}

const (
	cacheFile   = "objects"
	cacheHeader = 12
	// statePrefix begins the names of entries that are no copies from the store.
	statePrefix = "state/"
	// A cache file is rewritten when more than half of it is of no use, unless
	// it is small anyway.
	cacheSlack = 1 << 20
)

// openCache reads the cache in dir; an empty dir means none.
func openCache(dir string) *cache {
	c := &cache{objects: make(map[string][]byte)}
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
// writer's tails were all packs. Where these tokens differ, processes have
// overlapped, and none holds for all tails: one may be of a pack that was swept
// before the process with the later token listed the packs, and that it never
// knew. Then there is no token, and the next run lists the packs.
func (c *cache) load(b []byte) {
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
		c.objects[last] = entry[n:]
		if last == tokenEntry {
			tokens[tokenOf(entry[n:])] = true
		}
		c.stored += cacheHeader + len(entry)
		b = b[cacheHeader+n+m:]
	}
	if len(b) > 0 || last != tokenEntry || len(tokens) > 1 { // nothing may be appended behind a torn entry
		delete(c.objects, tokenEntry)
		c.mustReplace()
	}
}

// tokenOf returns the token in a token entry, without its time.
func tokenOf(entry []byte) string {
	token, _, _ := strings.Cut(string(entry), " ")
	return token
}

// get returns a cached object.
func (c *cache) get(name string) ([]byte, bool) {
	b, ok := c.objects[name]
	return b, ok
}

// put remembers an object until the next flush writes it.
func (c *cache) put(name string, content []byte) {
	if old, ok := c.objects[name]; ok && string(old) == string(content) {
		return
	}
	c.objects[name] = content
	c.pending = append(c.pending, name)
}

func appendCacheEntry(dst []byte, name string, content []byte) []byte {
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(name)), crc32.IEEETable, content)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(name)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(content)))
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(append(dst, name...), content...)
}

// keepOnly drops what is not wanted, such as objects that were deleted, and
// returns how many those were. They stay in the file until it is replaced.
func (c *cache) keepOnly(wanted func(name string) bool) int {
	before := len(c.objects)
	maps.DeleteFunc(c.objects, func(name string, _ []byte) bool { return !wanted(name) })
	return before - len(c.objects)
}

// mustReplace makes the next flush replace the file, so that what was dropped
// does not come back.
func (c *cache) mustReplace() { c.stored, c.pending = -1, nil }

// clear forgets everything, for a store that turned out to hold another repository.
func (c *cache) clear() {
	c.objects = make(map[string][]byte)
	c.mustReplace()
}

// setAside empties the cache of all but what this host remembers of its runs, and
// returns what it held of the store: for those who must see the store itself.
func (c *cache) setAside() map[string][]byte {
	copies := c.objects
	c.clear()
	for name, content := range copies {
		if strings.HasPrefix(name, statePrefix) && name != tokenEntry {
			c.objects[name] = content
		}
	}
	return copies
}

// flush writes what is new: by appending, or, when the file is torn or mostly of
// no use, by replacing it. Two processes may append at once; one that replaces
// while another appends loses entries, which costs time only.
func (c *cache) flush() {
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
func (c *cache) size(names iter.Seq[string]) int {
	n := 0
	for name := range names {
		n += cacheHeader + len(name) + len(c.objects[name])
	}
	return n
}

// encode makes entries, and that of the token that they belong to, even if there is none.
func (c *cache) encode(names iter.Seq[string]) []byte {
	b := make([]byte, 0, c.size(names)+cacheHeader+len(tokenEntry)+len(c.objects[tokenEntry]))
	for name := range names {
		if content, ok := c.objects[name]; ok && name != tokenEntry {
			b = appendCacheEntry(b, name, content)
		}
	}
	return appendCacheEntry(b, tokenEntry, c.objects[tokenEntry])
}

// append adds what is pending, in one write, so that no other process's comes in between.
func (c *cache) append() {
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
func (c *cache) replace() {
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
