package sqlite

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"firn/sqlite/internal/capi"
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

func TestNeedSpace(t *testing.T) {
	t.Parallel()
	if err := needSpace(t.TempDir(), 1); err != nil {
		t.Errorf("one byte: got %v, want nil", err)
	}
	if _, ok := capi.FreeSpace(t.TempDir()); !ok {
		t.Skip("free space is not known here")
	}
	if err := needSpace(t.TempDir(), math.MaxInt64); !errors.Is(err, ErrNoSpace) {
		t.Errorf("all bytes there are: got %v, want %v", err, ErrNoSpace)
	}
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

// TestVerifyNotices checks that verify compares the restored database, and that it does not take the commit of the
// restore itself for a commit of another process.
func TestVerifyNotices(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*target) (int64, []int64, error){
		"Delta": func(x *target) (int64, []int64, error) {
			d := difference{target: x}
			err := errors.Join(x.Exec("BEGIN IMMEDIATE"), d.find(), d.write())
			version, e := x.commit()
			return version, d.pages, errors.Join(err, e)
		},
		"Backup": func(x *target) (int64, []int64, error) {
			src, err := capi.OpenImmutable(x.Context(), x.src.path)
			if err != nil {
				return 0, nil, err
			}
			defer src.Close()
			version, err := x.Number("PRAGMA data_version")
			return version, nil, errors.Join(err, x.CopyFrom(src, x.timeout))
		},
	}
	for name, restore := range ways {
		for _, mode := range []string{"delete", "wal"} {
			t.Run(name+","+mode, func(t *testing.T) {
				t.Parallel()
				x := newTarget(t, mode)
				version, pages, err := restore(x)
				if err != nil {
					t.Fatal(err)
				}
				if err := x.verify(version, pages); err != nil {
					t.Errorf("verify: got %v, want nil", err)
				}
				if _, err := x.src.WriteAt([]byte("x"), 2*4096-1); err != nil {
					t.Fatal(err)
				}
				x.src.forget()
				if err := x.verify(version, pages); !errors.Is(err, ErrDiffers) {
					t.Errorf("verify with another image: got %v, want %v", err, ErrDiffers)
				}
			})
		}
	}
}

// newTarget makes two small databases that differ in page 2, one to be restored from the other.
func newTarget(t *testing.T, mode string) *target {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"old", "new"} {
		c, err := capi.Open(t.Context(), filepath.Join(dir, name), capi.ReadWrite|capi.Create)
		if err != nil {
			t.Fatal(err)
		}
		sql := "PRAGMA journal_mode = " + mode + "; CREATE TABLE t (a); INSERT INTO t VALUES ('" + name + "')"
		if err := errors.Join(c.Exec(sql), c.Close()); err != nil {
			t.Fatal(err)
		}
	}
	src, err := openStaged(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := openTarget(t.Context(), filepath.Join(dir, "old"), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		src.release(c)
		if err := errors.Join(c.Close(), src.Close()); err != nil {
			t.Error(err)
		}
	})
	return &target{
		Conn: c, path: filepath.Join(dir, "old"), src: src, partial: whole{src}, timeout: time.Second,
		locked: func() error { return nil },
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

func FuzzWALHeader(f *testing.F) {
	header := make([]byte, capi.SnapshotLen)
	header[12] = 1
	f.Add(header)
	binary.NativeEndian.PutUint16(header[14:], 4096)
	f.Add(bytes.Clone(header))
	binary.NativeEndian.PutUint16(header[14:], 1)
	f.Add(header)
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := parseWALHeader(b)
		if err != nil {
			return
		}
		if !w.same(*w) {
			t.Errorf("%+v is not the same as itself", w)
		}
		if w.PageSize == 0 && w.Frames > 0 || w.PageSize > 0 && !capi.ValidPageSize(w.PageSize) {
			t.Errorf("page size: got %d", w.PageSize)
		}
	})
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
