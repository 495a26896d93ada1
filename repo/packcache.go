package repo

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"firn/index"
	"firn/pack"
)

// packCache keeps parts of packs in local files, so that a run need not ask a
// remote store for the bases and nodes that the run before it has written or read.
// Each file is a range of bytes of a pack, as the store has it:
//
//	<pack>           a whole pack
//	<pack>-<offset>  one sealed blob; the offset as 8 hex digits
//
// Blobs stay sealed there, and are opened and compared with their IDs at every
// use, so neither reading nor changing the files gains an attacker anything. Several
// processes may use one folder; any file may vanish or be cut at any time. Every
// error costs time only and is not reported. A nil cache is an empty one that
// keeps nothing. It is safe for concurrent use.
type packCache struct {
	dir   string
	limit int64 // bytes that the files may take
	now   func() time.Time

	mu      sync.Mutex
	touched map[string]bool // files whose time of use was set by this run
	unswept int64           // bytes written since the last sweep

	coming   sync.Mutex                  // not mu, which a sweep holds for long
	expected map[pack.ID]<-chan struct{} // whole packs on their way here
}

const (
	packCacheDir = "packs"
	// A sweep leaves a tenth of the room free, and comes when that may be used up.
	sweepShare = 10
	// Files take room in blocks of about this many bytes.
	cacheBlock = 4 << 10
	// A temporary file this old has lost its writer.
	temporaryLife   = time.Hour
	temporaryPrefix = "tmp-"
)

// openPackCache returns the cache below dir, nil if there is to be none. It looks
// at no file yet: a run that needs no blob pays nothing.
func openPackCache(opts Options) *packCache {
	if opts.CacheDir == "" || opts.CacheSize <= 0 {
		return nil
	}
	return &packCache{
		dir:      filepath.Join(opts.CacheDir, packCacheDir),
		limit:    opts.CacheSize,
		now:      opts.now,
		expected: make(map[pack.ID]<-chan struct{}),
		touched:  make(map[string]bool),
	}
}

func blobFile(l index.Location) string { return fmt.Sprintf("%s-%08x", l.Pack, l.Offset) }

// cachedPack returns the pack that a file of the cache is a part of.
func cachedPack(file string) (pack.ID, bool) {
	var id pack.ID
	digits, _, _ := strings.Cut(file, "-")
	return id, id.UnmarshalText([]byte(digits)) == nil
}

// has reports whether get is likely to find a blob.
func (c *packCache) has(l index.Location) bool {
	if c == nil {
		return false
	}
	for _, file := range []string{l.Pack.String(), blobFile(l)} {
		if _, err := os.Stat(filepath.Join(c.dir, file)); err == nil {
			return true
		}
	}
	return false
}

// get returns a sealed blob and the file that it comes from, which the caller
// drops if the blob does not open.
func (c *packCache) get(l index.Location) (sealed []byte, file string, ok bool) {
	if c == nil {
		return nil, "", false
	}
	file = l.Pack.String()
	if sealed, ok = c.read(file, l, int64(l.Offset)); ok {
		return sealed, file, true
	}
	file = blobFile(l)
	sealed, ok = c.read(file, l, 0)
	return sealed, file, ok
}

// read reads a blob at an offset of a file. A file that is too short goes.
func (c *packCache) read(file string, l index.Location, at int64) ([]byte, bool) {
	f, err := os.Open(filepath.Join(c.dir, file))
	if err != nil {
		return nil, false
	}
	sealed := make([]byte, l.Length)
	_, err = f.ReadAt(sealed, at)
	_ = f.Close() // nothing was written
	if err != nil {
		c.drop(file)
		return nil, false
	}
	c.touch(file)
	return sealed, true
}

// touch notes that a file was used, once a run: the sweep needs no more.
func (c *packCache) touch(file string) {
	c.mu.Lock()
	done := c.touched[file]
	c.touched[file] = true
	c.mu.Unlock()
	if !done {
		now := c.now()
		_ = os.Chtimes(filepath.Join(c.dir, file), now, now)
	}
}

func (c *packCache) drop(file string) {
	if c != nil {
		_ = os.Remove(filepath.Join(c.dir, file))
	}
}

// admits reports whether a file of some size is kept.
func (c *packCache) admits(size int64) bool { return c != nil && blocks(size) <= c.limit }

// putPack keeps a whole pack.
func (c *packCache) putPack(id pack.ID, object []byte) { c.put(id.String(), object) }

// putBlob keeps one sealed blob.
func (c *packCache) putBlob(l index.Location, sealed []byte) { c.put(blobFile(l), sealed) }

// put writes a file under a temporary name and renames it, so that no reader meets
// half of it. There is no fsync: a file that a power cut tears does not open, and is then
// read from the store.
func (c *packCache) put(file string, content []byte) {
	if !c.admits(int64(len(content))) {
		return
	}
	f, err := c.createTemporary()
	if err != nil {
		return
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, file))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return
	}
	c.touch(file)
	c.written(blocks(int64(len(content))))
}

// createTemporary makes a private file, and the folder if it is the first.
func (c *packCache) createTemporary() (*os.File, error) {
	f, err := os.CreateTemp(c.dir, temporaryPrefix+"*")
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(c.dir, temporaryPrefix+"*")
}

// expect notes that a whole pack is on its way, until done is closed.
func (c *packCache) expect(id pack.ID, done <-chan struct{}) {
	c.coming.Lock()
	defer c.coming.Unlock()
	c.expected[id] = done
}

// arriving returns a channel that is closed when a pack that is on its way has come, or is
// known not to come. It is nil if the pack is not on its way.
func (c *packCache) arriving(id pack.ID) <-chan struct{} {
	if c == nil {
		return nil
	}
	c.coming.Lock()
	defer c.coming.Unlock()
	return c.expected[id]
}

// arrived says that a pack has come, or will not.
func (c *packCache) arrived(id pack.ID, done <-chan struct{}) {
	if c == nil {
		return
	}
	c.coming.Lock()
	defer c.coming.Unlock()
	if c.expected[id] == done {
		delete(c.expected, id)
	}
}

// written counts the bytes written, and sweeps when they may have used up the room that the
// last sweep left: a long run must not outgrow the limit before it ends.
func (c *packCache) written(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unswept += n; c.unswept > c.limit/sweepShare {
		c.sweep()
	}
}

// trim makes room for the next run if this one has written anything.
func (c *packCache) trim() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unswept > 0 {
		c.sweep()
	}
}

// sweep removes the files that were not used for longest, and temporary files of
// writers that died. The lock is held.
func (c *packCache) sweep() {
	c.unswept = 0
	files := c.files()
	var size int64
	for _, f := range files {
		size += blocks(f.Size())
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		lost := strings.HasPrefix(f.Name(), temporaryPrefix) && c.now().Sub(f.ModTime()) > temporaryLife
		if lost || size > c.limit-c.limit/sweepShare {
			c.drop(f.Name())
			size -= blocks(f.Size())
		}
	}
}

// files lists the files in the folder.
func (c *packCache) files() []fs.FileInfo {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil
	}
	files := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	return files
}

// blocks returns the room that a file of some size takes.
func blocks(size int64) int64 { return (size + cacheBlock - 1) / cacheBlock * cacheBlock }

// keepOnly drops the parts of packs that exist no more.
func (c *packCache) keepOnly(listed map[string]bool) {
	if c == nil {
		return
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if id, ok := cachedPack(e.Name()); ok && !listed[id.Name()] {
			c.drop(e.Name())
		}
	}
}
