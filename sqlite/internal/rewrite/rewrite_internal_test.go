package rewrite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/sqlite/internal/capi"
)

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
			src, err := capi.OpenImmutable(x.Context(), x.src.Path)
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
	src, err := OpenImage(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), filepath.Join(dir, "old"), time.Second)
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

// TestTargetSyncsJournalsEnd checks that a commit to a target waits until the journal's end is durable.
func TestTargetSyncsJournalsEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // an empty database
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const extra = 3
	if got, err := c.Number("PRAGMA synchronous"); err != nil || got != extra {
		t.Errorf("synchronous: got %d, %v, want %d", got, err, extra)
	}
}
