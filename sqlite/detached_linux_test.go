package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// link gives a database another name in another folder, under which an application may use it.
func link(t *testing.T, path string) string {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other.db")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	return other
}

// mountAlone mounts a database file on another file, as "docker -v FILE:FILE" does.
func mountAlone(t *testing.T, path string) string {
	t.Helper()
	other := writeFile(t, filepath.Join(t.TempDir(), "app.db"), nil)
	if err := syscall.Mount(path, other, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(other, syscall.MNT_DETACH) })
	return other
}

// crashedFiles leaves -wal and -shm beside a database after its application is gone.
func crashedFiles(t *testing.T, path string) {
	t.Helper()
	for seed := uint64(5); !exists(path+"-wal") || !exists(path+"-shm"); seed++ { // a writer closes its database now and then
		dbtest.StartWriter(t, path, seed).Kill()
	}
}

// open has another process open a database and commit to it.
func open(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	p := &person{}
	startPersons(t, p)
	p.must(t, "hold", path, "PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 7; UPDATE ledger_b SET amount = 7")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestDetached has the WAL of a database in another place than beside it. The prepare functions return the path to
// read.
func TestDetached(t *testing.T) {
	t.Parallel()
	refused := map[string]func(t *testing.T, path string) string{
		"OpenByOtherName": func(t *testing.T, path string) string {
			open(t, link(t, path))
			return path
		},
		"OpenByOtherNameOverStaleFiles": func(t *testing.T, path string) string {
			crashedFiles(t, path)
			open(t, link(t, path))
			return path
		},
		"OpenByMountedFile": func(t *testing.T, path string) string {
			open(t, mountAlone(t, path))
			return path
		},
		"MountedFile":       mountAlone,
		"MountedFileByLink": func(t *testing.T, path string) string { return symlinkTo(t, mountAlone(t, path)) },
		"MountedWhileOpen": func(t *testing.T, path string) string {
			open(t, path)
			return mountAlone(t, path)
		},
		"FilesRemoved": func(t *testing.T, path string) string {
			open(t, path)
			if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"CrashedByOtherName": func(t *testing.T, path string) string {
			other := filepath.Join(filepath.Dir(path), "other.db")
			if err := os.Link(path, other); err != nil {
				t.Fatal(err)
			}
			crashedFiles(t, other)
			return path
		},
	}
	for name, prepare := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := prepare(t, newDB(t, dbtest.Options{WAL: true}))
			before := names(t, path)
			if _, err := sqlite.Open(t.Context(), path, sqlite.Options{}); !errors.Is(err, sqlite.ErrDetached) {
				t.Errorf("got %v, want %v", err, sqlite.ErrDetached)
			}
			if after := names(t, path); after != before {
				t.Errorf("folder: got %s, want %s as before", after, before)
			}
		})
	}
}

// TestNotDetached has databases that look similar, and are in order.
func TestNotDetached(t *testing.T) {
	t.Parallel()
	accepted := map[string]struct {
		wal     bool
		prepare func(t *testing.T, path string) string
	}{
		"OtherNameUnused": {true, func(t *testing.T, path string) string { link(t, path); return path }},
		"OtherNameWhileOpen": {true, func(t *testing.T, path string) string {
			open(t, path)
			link(t, path)
			return path
		}},
		"RollbackByOtherName": {false, func(t *testing.T, path string) string { open(t, link(t, path)); return path }},
		"RollbackMounted":     {false, mountAlone},
		"FolderMounted": {true, func(t *testing.T, path string) string {
			open(t, path)
			dir := t.TempDir()
			if err := syscall.Mount(filepath.Dir(path), dir, "", syscall.MS_BIND, ""); err != nil {
				t.Skipf("needs the right to mount: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			return filepath.Join(dir, "app.db")
		}},
	}
	for name, test := range accepted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := test.prepare(t, newDB(t, dbtest.Options{WAL: test.wal}))
			image := writeFile(t, "", readImage(t, path, sqlite.Options{}))
			dbtest.CheckInvariant(t, image)
		})
	}
}

func symlinkTo(t *testing.T, path string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// names returns the names in the folder of a file.
func names(t *testing.T, path string) string {
	t.Helper()
	var list []string
	for name := range listing(t, filepath.Dir(path)) {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestReadOnlyMount reads a database through a read-only mount.
func TestReadOnlyMount(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, string){
		"Closed":  func(*testing.T, string) {},
		"Crashed": crashedFiles,
		"CrashedNoShm": func(t *testing.T, path string) {
			crashedFiles(t, path)
			os.Remove(path + "-shm")
		},
		"Open": open,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{WAL: true})
			prepare(t, path)
			dir := t.TempDir()
			if err := syscall.Mount(filepath.Dir(path), dir, "", syscall.MS_BIND, ""); err != nil {
				t.Skipf("needs the right to mount: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			before := names(t, path)
			image := readImage(t, filepath.Join(dir, "app.db"), sqlite.Options{Now: later})
			if after := names(t, path); after != before {
				t.Errorf("folder: got %s, want %s as before", after, before)
			}
			if name != "Open" {
				checkSame(t, "image", image, content(t, path))
			}
			dbtest.CheckInvariant(t, writeFile(t, "", image))
		})
	}
}
