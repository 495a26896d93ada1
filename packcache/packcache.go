// Package packcache keeps parts of packs on this host's disk, for repositories whose store is
// far away.
package packcache

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

// Cache keeps parts of packs in local files, so that a run need not ask a
// remote store for bases and nodes that an earlier run has written or read.
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
type Cache struct {
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
	// A sweep leaves a tenth of the room free, and comes when that may be used up.
	sweepShare = 10
	// Files take room in blocks of about this many bytes.
	block = 4 << 10
	// A temporary file this old has lost its writer.
	temporaryLife   = time.Hour
	temporaryPrefix = "tmp-"
)

// Open returns the cache in dir. Its files take about limit bytes at most. It looks at no file yet: a run that needs no blob pays nothing.
func Open(dir string, limit int64, now func() time.Time) *Cache {
	return &Cache{
		dir:      dir,
		limit:    limit,
		now:      now,
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

// Has reports whether [Cache.Get] is likely to find a blob.
func (c *Cache) Has(l index.Location) bool {
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

// Get returns a sealed blob and the file that it comes from. If the blob does not open, the
// caller must call [Cache.Drop].
func (c *Cache) Get(l index.Location) (sealed []byte, file string, ok bool) {
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
func (c *Cache) read(file string, l index.Location, at int64) ([]byte, bool) {
	f, err := os.Open(filepath.Join(c.dir, file))
	if err != nil {
		return nil, false
	}
	sealed := make([]byte, l.Length)
	_, err = f.ReadAt(sealed, at)
	_ = f.Close() // nothing was written
	if err != nil {
		c.Drop(file)
		return nil, false
	}
	c.touch(file)
	return sealed, true
}

// touch notes that a file was used, once a run: the sweep needs no more.
func (c *Cache) touch(file string) {
	c.mu.Lock()
	done := c.touched[file]
	c.touched[file] = true
	c.mu.Unlock()
	if !done {
		now := c.now()
		_ = os.Chtimes(filepath.Join(c.dir, file), now, now)
	}
}

// Drop removes a file.
func (c *Cache) Drop(file string) {
	if c != nil {
		_ = os.Remove(filepath.Join(c.dir, file))
	}
}

// Admits reports whether a file of some size is kept.
func (c *Cache) Admits(size int64) bool { return c != nil && blocks(size) <= c.limit }

// PutPack keeps a whole pack.
func (c *Cache) PutPack(id pack.ID, object []byte) { c.put(id.String(), object) }

// PutBlob keeps one sealed blob.
func (c *Cache) PutBlob(l index.Location, sealed []byte) { c.put(blobFile(l), sealed) }

// put writes a file under a temporary name and renames it, so that no reader meets
// half of it. There is no fsync: a file that a power cut tears does not open, and is then
// read from the store.
func (c *Cache) put(file string, content []byte) {
	if !c.Admits(int64(len(content))) {
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
func (c *Cache) createTemporary() (*os.File, error) {
	f, err := os.CreateTemp(c.dir, temporaryPrefix+"*")
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(c.dir, temporaryPrefix+"*")
}

// Expect notes that a whole pack, which the cache admits, is on its way, until done is closed.
// [Cache.Arrived] must be called then.
func (c *Cache) Expect(id pack.ID, done <-chan struct{}) {
	c.coming.Lock()
	defer c.coming.Unlock()
	c.expected[id] = done
}

// Arriving returns a channel that is closed when a pack that is on its way has come, or is
// known not to come. It is nil if the pack is not on its way.
func (c *Cache) Arriving(id pack.ID) <-chan struct{} {
	if c == nil {
		return nil
	}
	c.coming.Lock()
	defer c.coming.Unlock()
	return c.expected[id]
}

// Arrived says that a pack has come, or will not.
func (c *Cache) Arrived(id pack.ID, done <-chan struct{}) {
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
func (c *Cache) written(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unswept += n; c.unswept > c.limit/sweepShare {
		c.sweep()
	}
}

// Trim makes room for the next run if this one has written anything.
func (c *Cache) Trim() {
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
func (c *Cache) sweep() {
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
			c.Drop(f.Name())
			size -= blocks(f.Size())
		}
	}
}

// files lists the files in the folder.
func (c *Cache) files() []fs.FileInfo {
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
func blocks(size int64) int64 { return (size + block - 1) / block * block }

// KeepOnly drops the parts of packs that exist no more.
func (c *Cache) KeepOnly(listed map[string]bool) {
	if c == nil {
		return
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if id, ok := cachedPack(e.Name()); ok && !listed[id.Name()] {
			c.Drop(e.Name())
		}
	}
}
