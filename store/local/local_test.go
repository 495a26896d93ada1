package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/store"
	"firn/store/local"
	"firn/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return create(t, t.TempDir()) })
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	if _, err := local.Open(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing folder: got %v, want fs.ErrNotExist", err)
	}
	wantFiles(t, dir)
	file := filepath.Join(dir, "file")
	write(t, file, "")
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if _, err := local.Open(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%s): got %v, want an error that is not fs.ErrNotExist", path, err)
		}
		if _, err := local.Create(path); err == nil {
			t.Errorf("Create(%s): got nil, want an error", path)
		}
	}
	s, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, "file")
}

func TestCreate(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := filepath.Join(base, "a", "b", "c")
	put(t, create(t, dir), "meta/a", "x")
	for path := dir; path != base; path = filepath.Dir(path) {
		wantMode(t, path, 0o700)
	}
	wantNames(t, create(t, dir), "", "meta/a")
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, create(t, dir), "packs/00/a", "x")
	wantMode(t, filepath.Join(dir, "packs"), 0o700)
	wantMode(t, filepath.Join(dir, "packs/00"), 0o700)
	wantMode(t, filepath.Join(dir, ".tmp"), 0o700)
	wantMode(t, filepath.Join(dir, "packs/00/a"), 0o600)
}

func TestNoTemporaryRemains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	put(t, s, "meta/a", "x")
	if err := s.Put(t.Context(), "meta/a", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if err := s.Put(t.Context(), "meta/a/b", nil); err == nil {
		t.Error("Put below an object: got nil, want an error")
	}
	wantFiles(t, dir, "meta/a")
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	foreign := []string{
		".DS_Store", ".tmp/notes", "README.md", "lost+found/a", "meta/.a.swp", "meta/A",
		"meta/a.b/c", "meta/ä", "packs/00/a.part", "packs/00/a_b", "packs/~/a",
	}
	for _, name := range foreign {
		write(t, filepath.Join(dir, name), "foreign")
	}
	put(t, s, "meta/a", "x")
	put(t, s, "packs/00/a", "x")
	wantNames(t, s, "", "meta/a", "packs/00/a")
	wantNames(t, s, "packs/", "packs/00/a")
	if err := s.Delete(t.Context(), "meta/a", "packs/00/a", "packs/00", "meta"); err != nil {
		t.Error(err)
	}
	if n, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("Clean = %d, %v, want 0", n, err)
	}
	wantNames(t, s, "")
	wantFiles(t, dir, foreign...)
}

func TestDeleteKeepsFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	put(t, s, "packs/00/a", "x")
	if err := s.Delete(t.Context(), "packs/00/a", "packs/00"); err != nil {
		t.Fatal(err)
	}
	wantMode(t, filepath.Join(dir, "packs/00"), 0o700)
	put(t, s, "packs/00/b", "x")
	if err := os.RemoveAll(filepath.Join(dir, "packs")); err != nil {
		t.Fatal(err)
	}
	wantNames(t, s, "packs/")
	put(t, s, "packs/00/c", "x") // makes the folders again
	wantNames(t, s, "", "packs/00/c")
}

// TestSomethingInTheWay puts a file where a folder belongs, and a folder where
// a file belongs.
func TestSomethingInTheWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	write(t, filepath.Join(dir, "packs"), "a file")
	if err := s.Put(t.Context(), "packs/00/a", nil); err == nil {
		t.Error("Put: got nil, want an error")
	}
	if _, err := list(t, s, "packs/"); err == nil {
		t.Error("List: got nil, want an error, not an empty listing")
	}
	write(t, filepath.Join(dir, "meta/config/file"), "")
	if err := s.Put(t.Context(), "meta/config", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Put over a folder: got %v, want fs.ErrExist", err)
	}
	wantFiles(t, dir, "meta/config/file", "packs")
}

// create opens the store in dir for the length of a test.
func create(t testing.TB, dir string) *local.Store {
	t.Helper()
	s, err := local.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s store.Store, name, content string) {
	t.Helper()
	if err := s.Put(t.Context(), name, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func list(t testing.TB, s store.Store, prefix string) (names []string, err error) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			return names, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}

func wantNames(t testing.TB, s store.Store, prefix string, want ...string) {
	t.Helper()
	got, err := list(t, s, prefix)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List(%q): got %v, %v, want %v", prefix, got, err, want)
	}
}

// write makes a file, and the folders above it, behind the store's back.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantMode(t testing.TB, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s: got mode %v, want %v", path, got, want)
	}
}

// wantFiles compares the paths of all files of any kind below dir.
func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	got := files(t, dir)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("files in %s: got %q, want %q", dir, got, want)
	}
}

func files(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}
