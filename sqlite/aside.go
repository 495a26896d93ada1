package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/sqlite/internal/source"
)

// putAside makes the image the target, in place of a file that is no database that could be changed. That one is kept
// under another name, with all that SQLite takes for a part of it. It gives the new file its owner and mode.
//
// The steps are in this order because a crash may come between any two of them: the image is on disk before it has the
// name; the old file has its second name before it loses its first, so that it is never without one (see [keepOld]); its journals are
// away before the image comes, which they would be replayed over; and the name changes from the one to the other at once.
func putAside(path string, src *staged, keep string) (*RestoreResult, error) {
	old, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !old.Mode().IsRegular() {
		return nil, ErrNotFile
	}
	if err := refuseTaken(keep); err != nil {
		return nil, err
	}
	err = sameOwner(src.File, old)
	if errors.Is(err, fs.ErrPermission) { // with the rights of another user than the owner's; the caller sees to it
		err = nil
	}
	if err := errors.Join(err, src.Chmod(old.Mode().Perm()), src.Sync(), src.Close()); err != nil {
		return nil, err
	}
	if err := keepOld(path, keep, os.Link, moveWithoutReplacing); err != nil {
		return nil, fmt.Errorf("keep the old file: %w", err)
	}
	dir := filepath.Dir(path)
	if err := errors.Join(syncDir(filepath.Dir(keep)), syncDir(dir)); err != nil {
		return nil, err
	}
	if err := os.Rename(src.path, path); err != nil {
		return nil, err
	}
	return &RestoreResult{MethodFile, src.pages, src.pages}, syncDir(dir)
}

// refuseTaken looks for the names that are about to be given, before anything is done.
func refuseTaken(keep string) error {
	for _, suffix := range append(source.Sidecars(), "") {
		if _, err := os.Lstat(keep + suffix); !errors.Is(err, fs.ErrNotExist) {
			return cmp.Or(err, fmt.Errorf("keep the old file as %s: %w", keep+suffix, fs.ErrExist))
		}
	}
	return nil
}

// keepOld gives a file a second name, and its journals another one. Where there are no hard links the file loses its name,
// which must come last then: journals beside nothing would keep a repeat of a killed restore from making the file.
func keepOld(path, keep string, link, move func(from, to string) error) error {
	linkErr := link(path, keep)
	if errors.Is(linkErr, fs.ErrExist) || errors.Is(linkErr, fs.ErrNotExist) {
		return linkErr
	}
	for _, suffix := range source.Sidecars() {
		if err := move(path+suffix, keep+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if linkErr != nil {
		return move(path, keep)
	}
	return nil
}
