package sqlite

import (
	"encoding/json"
	"io"
	"os"
	"reflect"
	"testing"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
)

// WithMemoryLimit changes which databases with a rollback journal are read in two passes.
func WithMemoryLimit(o Options, limit int64) Options {
	o.memoryLimit = limit
	return o
}

// WithHoldLimit changes for how long a database may be read under its lock.
func WithHoldLimit(o Options, limit time.Duration) Options {
	o.holdLimit = limit
	return o
}

// TwoPasses reads an image in two passes, and calls functions before and between them.
func TwoPasses(t *testing.T, i *Image, before, between func(spool *os.File)) {
	t.Helper()
	s, err := newSpool(i.opts.TempDir)
	if err != nil {
		t.Fatal(err)
	}
	before(s.File.File)
	err = i.draft(s)
	between(s.File.File)
	pages, err := i.revise(s, err)
	if err != nil {
		t.Fatal(err)
	}
	i.deliver(pages)
}

// Reserve makes a database leave n bytes unused at the end of each page, as encrypting extensions do.
func Reserve(t *testing.T, path string, n int32) {
	t.Helper()
	c, err := capi.Open(t.Context(), path, capi.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ReserveBytes(n); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec("VACUUM"); err != nil {
		t.Fatal(err)
	}
	header, err := c.Header()
	if err != nil || header[20] != byte(n) {
		t.Fatalf("reserved bytes: got %d, %v, want %d", header[20], err, n)
	}
}

// CacheMisses returns how many pages the image's connection has read since it was opened.
func CacheMisses(t *testing.T, i *Image) int {
	t.Helper()
	n, err := i.conn.CacheMisses()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzFingerprint compares stored fingerprints, which may be of any origin.
func FuzzFingerprint(f *testing.F) {
	file := FileState{Size: 5, ModTime: 6, ChangeTime: 7, Header: []byte("header"), Settled: true}
	now := Fingerprint{Device: 1, Inode: 2, WAL: &WALState{Salt: [2]uint32{1, 2}, Frames: 3, PageSize: 512}, File: &file}
	if !now.same(now) {
		f.Fatal("the fingerprint is not the same as itself")
	}
	b, err := json.Marshal(now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"device":1,"inode":2,"file":{"size":5,"header":"AA==","settled":true}}`))
	f.Add([]byte(`{"device":1,"inode":2,"wal":{"salt":[1,2],"checksum":[0,0],"frames":3,"pages":0,"page_size":512,"change":0}}`)) // of firn before the file counted
	f.Fuzz(func(t *testing.T, b []byte) {
		var old Fingerprint
		if json.Unmarshal(b, &old) != nil {
			return
		}
		if now.same(old) && (old.WAL == nil || old.Inode != now.Inode || old.Device != now.Device || !reflect.DeepEqual(*old.File, file)) {
			t.Errorf("same as %s", b)
		}
		again, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		var twice Fingerprint
		if err := json.Unmarshal(again, &twice); err != nil || !reflect.DeepEqual(old, twice) {
			t.Errorf("through JSON: got %+v, %v, want %+v", twice, err, old)
		}
	})
}

// WholeImage reads all pages in the image's own transaction, which stays open.
func WholeImage(t testing.TB, i *Image) []byte {
	t.Helper()
	pages, err := i.conn.Pages(i.info.PageSize, i.info.PageCount, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	b, err := io.ReadAll(pages)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Disturb makes a follower leave out rules; blind, it does not notice replaced files.
func Disturb(f *Follower, p *follow.Probe, blind bool) { f.tracker.Probe, f.blind = p, blind }

// Claims returns what a follower says of an image that has just been opened: which pages have changed since the last stored
// one, or why that is not known.
func Claims(i *Image) (changed func(page int64) bool, unknown string) {
	f := i.opts.Follower
	pages, _, unknown := f.known(f.baseFingerprint())
	if unknown != "" {
		return nil, unknown
	}
	return pages.Has, ""
}

func (f *Follower) baseFingerprint() Fingerprint {
	if f.base == nil {
		return Fingerprint{}
	}
	return f.base.print
}
