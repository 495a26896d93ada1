package sftp_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"firn/store"
	"firn/store/sftp"
)

// TestCreate makes the folder and those above it, for this user alone.
func TestCreate(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	s := open(t, filepath.Join(top, "a/b c/d"), "")
	for range 2 {
		if err := s.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(top, "a/b c/d")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want mode 0700", info, err)
	}
	if err := os.WriteFile(filepath.Join(top, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, filepath.Join(top, "file/x"), "").Create(t.Context()); err == nil {
		t.Error("a folder was made in a file")
	}
}

// TestMissingRoot checks that a folder that is not there, or has gone, is an error of all methods, and that it looks neither
// like a missing object nor like a store without objects.
func TestMissingRoot(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "firn")
	missing := func(s *sftp.Store) {
		t.Helper()
		_, getErr := s.Get(t.Context(), "meta/a", 0, -1)
		_, cleanErr := s.Clean(t.Context(), time.Now())
		_, probeErr := s.Probe(t.Context())
		errs := map[string]error{"get": getErr, "clean": cleanErr, "probe": probeErr,
			"put": s.Put(t.Context(), "meta/b", nil), "delete": s.Delete(t.Context(), "meta/a"), "create nothing": store.ErrFolder}
		for _, err := range s.List(t.Context(), "meta/") {
			errs["list"] = err
		}
		for method, err := range errs {
			if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: got %v, want an error of the folder", method, err)
			}
			if method != "probe" && !errors.Is(err, store.ErrFolder) {
				t.Errorf("%s: got %v, want store.ErrFolder", method, err)
			}
		}
		if len(errs) != 7 {
			t.Error("the listing of a missing folder is empty")
		}
	}
	missing(open(t, dir, ""))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, "")
	if err := s.Put(t.Context(), "meta/a", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	missing(s)
}

// TestFolderVanishes puts into a folder that another host has removed since.
func TestFolderVanishes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, "")
	if err := s.Put(t.Context(), "packs/00/a", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "packs")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Put(t.Context(), "packs/00/b", nil); err != nil {
			t.Log(err) // one Put may fail: no writer of firn removes folders
		}
	}
	if _, err := s.Get(t.Context(), "packs/00/b", 0, -1); err != nil {
		t.Error(err)
	}
}

// TestRights checks the modes and owners of files and folders: those that package local gives.
func TestRights(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := map[string]fs.FileMode{"packs": 0o700 | fs.ModeDir, "packs/a": 0o600, ".tmp": 0o700 | fs.ModeDir}
	if runtime.GOOS == "linux" {
		if err := os.Chmod(dir, 0o770|fs.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		shared := 0o770 | fs.ModeDir | fs.ModeSetgid
		want = map[string]fs.FileMode{"packs": shared, "packs/a": 0o640, ".tmp": shared}
	}
	if err := open(t, dir, "").Put(t.Context(), "packs/a", content); err != nil {
		t.Fatal(err)
	}
	for name, mode := range want {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
}

// TestClean removes what writers that died have left, and nothing else.
func TestClean(t *testing.T) {
	t.Parallel()
	dir := prepared(t)
	s := open(t, dir, "")
	if n, err := s.Clean(t.Context(), time.Now()); n != 0 || err != nil {
		t.Errorf("without left files: got %d, %v", n, err)
	}
	old := time.Now().Add(-48 * time.Hour)
	for name, at := range map[string]time.Time{"put.A": old, "claim.meta.a": old, "put.B": time.Now(), "notes": old} {
		path := filepath.Join(dir, ".tmp", name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Clean(t.Context(), time.Now().Add(-24*time.Hour)); n != 2 || err != nil {
		t.Errorf("got %d, %v, want 2 removed files", n, err)
	}
	for name, want := range map[string]bool{"put.A": false, "claim.meta.a": false, "put.B": true, "notes": true} {
		if _, err := os.Stat(filepath.Join(dir, ".tmp", name)); (err == nil) != want {
			t.Errorf("%s: got %v, want it there: %v", name, err, want)
		}
	}
}

// TestTraffic counts what a few calls ask for.
func TestTraffic(t *testing.T) {
	t.Parallel()
	s := open(t, prepared(t), "")
	count := func(want int64, call func() error) {
		t.Helper()
		before := s.Traffic()
		if err := call(); err != nil {
			t.Fatal(err)
		}
		if got := s.Traffic().Requests() - before.Requests(); got != want {
			t.Errorf("got %d requests, want %d", got, want)
		}
	}
	count(1, func() error { _, err := s.Get(t.Context(), "meta/old", 0, -1); return err })
	count(7, func() error { return s.Put(t.Context(), "meta/a", content) }) // with a look at the folders, once
	count(2, func() error { return s.Put(t.Context(), "meta/b", content) })
	count(2, func() error {
		for _, err := range s.List(t.Context(), "meta/") {
			return err
		}
		return nil
	})
	if got := s.Traffic(); got.Sent < 2*int64(len(content)) || got.Received < int64(len(content)) {
		t.Errorf("got %+v", got)
	}
}

// TestLimits stores with limits, which slow it down and change nothing else.
func TestLimits(t *testing.T) {
	t.Parallel()
	o := options(t, prepared(t), "")
	o.UploadLimit, o.DownloadLimit = 1<<20, 1<<20
	s := openWith(t, o)
	began := time.Now()
	if err := s.Put(t.Context(), "meta/a", content[:64<<10]); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "meta/old", 0, 64<<10); err != nil || len(got) != 64<<10 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if took := time.Since(began); took < 90*time.Millisecond { // 48 KiB each way above the burst
		t.Errorf("it took %s, so the limits were not kept", took)
	}
}
