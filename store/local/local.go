// Package local keeps objects as files in a folder of a local disk.
//
// An object's name is its file's path below the folder. A file that is being written
// lies in the folder ".tmp", whose name no object can have, and gets its final name
// once it is whole and on the disk. So every object is whole, even if a writer or the
// machine dies at any moment. A dead writer leaves nothing but a temporary file, which
// [Store.Clean] removes.
//
// The store follows no symbolic link that leads out of the folder. The folder must be
// on one file system.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"firn/store"
	"firn/store/internal/files"
)

// Store is a [store.Store] in a folder. Make one with [Open] or [Create].
type Store struct {
	dir  string      // absolute
	root *os.Root    // the folder; no path given to it can lead out
	info fs.FileInfo // of the folder when it was opened
	heir heir        // owner of new files and folders

	durable sync.Map   // names of folders whose entries in their parents are known to be on the disk
	claims  sync.Mutex // held while a claim file exists: see claim

	link    func(from, to string) error // root.Link, except in a test
	outside func(func() error) error    // calls a function that uses dir
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
)

// Open opens the existing folder dir. The error matches fs.ErrNotExist if it
// is missing. Nothing is written.
func Open(dir string) (*Store, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	return s, nil
}

func open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir) // the working directory may change
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s, err := openAt(dir, root)
	if err == nil {
		s.heir = heirOf(s.info)
	}
	return s, err
}

// OpenAt is [Open] for a folder that is already open, and whose user's rights the
// process has while it calls the methods. The path is used in messages, and to notice
// that another disk is mounted there. That check needs the process's own rights:
// outside calls a function with them. The store closes root.
func OpenAt(path string, root *os.Root, outside func(func() error) error) (*Store, error) {
	s, err := openAt(path, root)
	if err != nil {
		return nil, fmt.Errorf("open local store: %w", err)
	}
	s.heir, s.outside = heir{uid: -1, gid: -1, shared: isShared(s.info)}, outside
	return s, nil
}

func openAt(dir string, root *os.Root) (*Store, error) {
	info, err := root.Stat(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s := &Store{dir: dir, root: root, info: info, link: root.Link}
	s.outside = func(f func() error) error { return f() }
	return s, nil
}

// Create opens the folder dir. If it is missing, Create first makes it and the missing
// folders above it, durably. Existing files in it stay.
func Create(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = MakeFolder(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create local store: %w", err)
	}
	return Open(dir)
}

// Close releases the folder, whose disk cannot be unmounted before. The store must not
// be used afterwards. Close has nothing to flush: a program that ends need not call it.
func (s *Store) Close() error { return s.root.Close() }

// Get reads a part of the file of name.
func (s *Store) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	data, err := s.read(ctx, name, off, length)
	if err != nil {
		return nil, fmt.Errorf("get %s from %s: %w", name, s.dir, err)
	}
	return data, nil
}

func (s *Store) read(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if err := s.check(ctx, name); err != nil {
		return nil, err
	}
	f, err := s.root.OpenFile(name, readOnly, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read, so an error would mean nothing
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a file but %s: %w", info.Mode().Type(), fs.ErrNotExist)
	}
	from, to, err := store.Range(info.Size(), off, length)
	if err != nil {
		return nil, err
	}
	data := make([]byte, to-from)
	if _, err := f.ReadAt(data, from); err == io.EOF {
		return nil, io.ErrUnexpectedEOF // it shrank since
	} else if err != nil {
		return nil, err
	}
	return data, nil
}

// Delete removes the files of names.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := s.check(ctx, names...); err != nil {
		return fmt.Errorf("delete from %s: %w", s.dir, err)
	}
	folders := make(map[string]bool)
	var errs []error
	for _, name := range names {
		if err := s.remove(name); err != nil {
			errs = append(errs, fmt.Errorf("delete %s from %s: %w", name, s.dir, err))
			break // the others are likely to meet the same
		}
		folders[path.Dir(name)] = true
	}
	// Without the fsync a deleted object could come back after a power cut, which would
	// break the promise that no later listing shows it. One fsync for each folder is
	// enough for all files in it. Empty folders stay, because another writer may be
	// about to use them.
	for folder := range folders {
		if err := s.syncFolder(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("delete from %s: %w", s.dir, err))
		}
	}
	return errors.Join(errs...)
}

// remove removes the file of name. It checks the kind first, because os.Root.Remove
// would also remove empty folders and symbolic links, which are not objects.
func (s *Store) remove(name string) error {
	info, err := s.root.Lstat(name)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return files.ErrNeither
	}
	if err == nil {
		err = s.root.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// check is called first by every method.
func (s *Store) check(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.checkRoot()
}

// checkRoot returns an error unless the folder is still where it was opened. A folder
// that was removed, or that has another disk mounted over it, must not look like a
// store without objects, so the error does not match fs.ErrNotExist either.
func (s *Store) checkRoot() error {
	var info fs.FileInfo
	err := s.outside(func() (err error) { info, err = os.Stat(s.dir); return err })
	if err != nil {
		return fmt.Errorf("the folder is gone, is its disk mounted? %v", err)
	}
	if !os.SameFile(info, s.info) {
		return errors.New("another folder has taken the place of the one that was opened, is its disk mounted?")
	}
	return nil
}
