package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/store/local"
)

// TestRootGone takes the folder away from an open store. No method may then
// report that an object does not exist, nor make the folder anew.
func TestRootGone(t *testing.T) {
	t.Parallel()
	tests := map[string]func(dir string) error{
		"Removed":  os.RemoveAll,
		"Moved":    func(dir string) error { return os.Rename(dir, dir+"-moved") },
		"Replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+"-moved"), os.Mkdir(dir, 0o700)) },
		"File":     func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	}
	for name, take := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			dir := filepath.Join(base, "repository")
			s := create(t, dir)
			put(t, s, "meta/a", "x")
			if err := take(dir); err != nil {
				t.Fatal(err)
			}
			before := files(t, base)
			wantGone(t, s)
			wantFiles(t, base, before...)
		})
	}
}

func wantGone(t *testing.T, s *local.Store) {
	t.Helper()
	_, getErr := s.Get(t.Context(), "meta/a", 0, -1)
	_, missingErr := s.Get(t.Context(), "meta/b", 0, -1)
	_, listErr := list(t, s, "meta/")
	_, cleanErr := s.Clean(t.Context(), time.Now())
	for method, err := range map[string]error{
		"Put":            s.Put(t.Context(), "meta/b", nil),
		"Get":            getErr,
		"Get of missing": missingErr,
		"List":           listErr,
		"Delete":         s.Delete(t.Context(), "meta/a"),
		"Clean":          cleanErr,
	} {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want an error that is not fs.ErrNotExist", method, err)
		}
	}
}

// TestRelativeDir checks that a store opened by a relative path stays where it
// is when the working directory changes. It changes that of the process, so it
// is not parallel.
func TestRelativeDir(t *testing.T) {
	base := t.TempDir()
	t.Chdir(base)
	s := create(t, "repository")
	t.Chdir(t.TempDir())
	put(t, s, "meta/a", "x")
	wantFiles(t, base, "repository/meta/a")
}

func TestSymlinkToRoot(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	create(t, filepath.Join(base, "real"))
	symlink(t, "real", filepath.Join(base, "link"))
	s := create(t, filepath.Join(base, "link"))
	put(t, s, "meta/a", "x")
	wantNames(t, s, "", "meta/a")
	wantFiles(t, base, "link", "real/meta/a")
}

// TestSymlinkFolder replaces a folder of the store by a link that leads out of
// the store.
func TestSymlinkFolder(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	outside := filepath.Join(base, "outside")
	write(t, filepath.Join(outside, "00/a"), "precious")
	dir := filepath.Join(base, "repository")
	s := create(t, dir)
	symlink(t, outside, filepath.Join(dir, "packs"))
	_, getErr := s.Get(t.Context(), "packs/00/a", 0, -1)
	_, listErr := list(t, s, "packs/")
	_, listAllErr := list(t, s, "")
	for method, err := range map[string]error{
		"Put":     s.Put(t.Context(), "packs/00/b", nil),
		"Get":     getErr,
		"List":    listErr,
		"ListAll": listAllErr,
		"Delete":  s.Delete(t.Context(), "packs/00/a"),
	} {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want an error that is not fs.ErrNotExist", method, err)
		}
	}
	wantFiles(t, base, "outside/00/a", "repository/packs")
}

// TestSymlinkObject puts a link where an object would be.
func TestSymlinkObject(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"b", "missing", "../../outside"} {
		base := t.TempDir()
		write(t, filepath.Join(base, "outside"), "precious")
		dir := filepath.Join(base, "repository")
		s := create(t, dir)
		put(t, s, "meta/b", "x")
		symlink(t, target, filepath.Join(dir, "meta/a"))
		before := files(t, base)
		if err := s.Put(t.Context(), "meta/a", nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("link to %s: Put: got %v, want fs.ErrExist", target, err)
		}
		if _, err := list(t, s, ""); err == nil {
			t.Errorf("link to %s: List: got nil, want an error", target)
		}
		if err := s.Delete(t.Context(), "meta/a"); err == nil {
			t.Errorf("link to %s: Delete: got nil, want an error", target)
		}
		wantFiles(t, base, before...)
	}
}

// TestVanishing deletes objects and whole folders while they are listed.
func TestVanishing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	for _, name := range []string{"packs/00/a", "packs/01/a", "packs/02/a"} {
		put(t, s, name, "x")
	}
	var got []string
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Name)
		if err := os.RemoveAll(filepath.Join(dir, "packs/01")); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[1] != "packs/02/a" {
		t.Errorf("got %v, want what did not vanish", got)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
}
