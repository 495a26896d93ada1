package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/sqlite/internal/rewrite"
	"firn/sqlite/internal/source"
)

// replaceDamaged makes the image the target, in place of a file that SQLite cannot change. The old file is kept under
// another name, with all files that SQLite takes for a part of it. The new file gets its owner and mode.
//
// A crash may come between any two steps, so their order matters. The image is on disk before it gets the name. The
// old file has its second name before it loses its first, so that it is never without a name (see [keepOld]). Its
// journals are moved away before the image comes, because SQLite would replay them over the image. The name changes
// from the old file to the new at once.
func replaceDamaged(path string, src *rewrite.Image, keep string) (*RestoreResult, error) {
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
	if errors.Is(err, fs.ErrPermission) { // the process has the rights of another user than the owner, and the caller sets the owner
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
	if err := os.Rename(src.Path, path); err != nil {
		return nil, err
	}
	return &RestoreResult{MethodFile, src.Pages, src.Pages}, syncDir(dir)
}

// refuseTaken refuses to start if a file has one of the names that the old file and its journals will get.
func refuseTaken(keep string) error {
	for _, suffix := range append(source.Sidecars(), "") {
		if _, err := os.Lstat(keep + suffix); !errors.Is(err, fs.ErrNotExist) {
			return cmp.Or(err, fmt.Errorf("keep the old file as %s: %w", keep+suffix, fs.ErrExist))
		}
	}
	return nil
}

// keepOld gives a file a second name, and its journals another name. Without hard links the file loses its old name,
// and that must come last: journals beside a missing file would keep a killed restore from being repeated.
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
