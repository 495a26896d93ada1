package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firn/sqlite/internal/rewrite"
	"firn/sqlite/internal/source"
)

// RestoreOptions say how to restore. The zero value is right for most.
type RestoreOptions struct {
	BusyTimeout time.Duration // how long to wait for a lock; 0 means 10 seconds
	Offline     bool          // no process has the target open, so that its page size may change even in WAL mode
	Mode        fs.FileMode   // of a target that did not exist; 0 means 0600
	Name        string        // name of the target in errors; empty means its path
	New         bool          // the target did not exist: a file that has appeared since is left alone, even if it is empty

	// Locked is called when the write lock of an existing target is held and nothing has been written. The content
	// that it then reads of the target, through [Open], is exactly the content that is replaced. Its error ends the
	// restore. Where all pages are written ([MethodBackup]) SQLite takes the lock later, so that changes in between
	// go unseen.
	Locked func() error
	// KeepAs is the name under which the target's file is kept, with its journals, in the same folder, and the image
	// takes its place, owner and mode. It is for a target that is damaged, or no database, and that no process has
	// open: the file is not looked into.
	KeepAs string
	// Partial completes the image file as far as that is needed; nil if the file is complete.
	Partial Partial
}

// The values of [RestoreResult].Method.
const (
	MethodFile   = "file"   // the image became the target
	MethodDelta  = "delta"  // the differing pages were written, in one transaction
	MethodBackup = "backup" // all pages were written, in one transaction
)

// RestoreResult describes a restore.
type RestoreResult struct {
	Method       string
	PagesWritten int64
	PageCount    int64 // of the restored database
}

// Restore makes the database target equal to image, a private file in the target's folder.
//
// A target that does not exist is made of the image file itself, never over another file. An existing target stays
// the same file and is changed in one SQLite transaction: applications that have it open go on with the restored
// content, and after any failure it holds either all of the old content or all of the new. It keeps its journal mode.
// Equal to the image means equal in every page, but for fields of the header that count changes.
//
// A target that cannot be changed so, because it is damaged or no database, is replaced if [RestoreOptions].KeepAs
// names the file that keeps it.
//
// The image file is used up: afterwards it is gone, or its header is changed. Remove what is left of it.
//
// Restore fails with [ErrSidecar], [ErrStrangeSidecar], [ErrPageSize], [ErrNotDatabase], [ErrCorrupt], [ErrBusy],
// [ErrNoSpace] or fs.ErrPermission, and the target is the same as before; or with [ErrDiffers].
func Restore(ctx context.Context, target, image string, opts RestoreOptions) (*RestoreResult, error) {
	if opts.BusyTimeout == 0 {
		opts.BusyTimeout = defaultBusyTimeout
	}
	if opts.Mode == 0 {
		opts.Mode = 0o600
	}
	if opts.Locked == nil {
		opts.Locked = func() error { return nil }
	}
	result, err := restore(ctx, target, image, opts)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", cmp.Or(opts.Name, target), err)
	}
	return result, nil
}

func restore(ctx context.Context, target, image string, opts RestoreOptions) (result *RestoreResult, err error) {
	src, err := rewrite.OpenImage(image)
	if err != nil {
		return nil, err
	}
	defer func() { // createTarget may have closed it already
		if e := src.Close(); !errors.Is(e, fs.ErrClosed) {
			err = errors.Join(err, e)
		}
	}()
	if opts.Partial == nil {
		opts.Partial = rewrite.Whole(src)
	}
	path, _, err := source.Resolve(target)
	switch {
	case opts.New && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the target did not exist a moment ago: %w", fs.ErrExist)
	case opts.KeepAs != "" || errors.Is(err, fs.ErrNotExist):
		if err := opts.Partial.Complete(ctx, src); err != nil {
			return nil, err
		}
		return becomeTarget(target, src, opts)
	case errors.Is(err, ErrEmpty):
		// SQLite deletes a WAL beside an empty database. It handles a journal well: an application may be in its
		// first transaction.
		err = refuseSidecars(path, opts.Name, "-wal", "-shm")
	}
	if err != nil {
		return nil, err
	}
	done, err := rewrite.Run(ctx, path, src, rewrite.Options{
		Timeout: opts.BusyTimeout, Offline: opts.Offline, Partial: opts.Partial, Locked: opts.Locked,
	})
	if err != nil {
		return nil, err
	}
	method := MethodDelta
	if done.Whole {
		method = MethodBackup
	}
	return &RestoreResult{method, done.Pages, src.Pages}, nil
}

// becomeTarget makes the image file the target, which was missing or is kept under another name.
func becomeTarget(target string, src *rewrite.Image, opts RestoreOptions) (*RestoreResult, error) {
	if opts.KeepAs == "" {
		return createTarget(target, src, opts)
	}
	path, err := filepath.EvalSymlinks(target)
	if err != nil {
		return nil, err
	}
	return replaceDamaged(path, src, opts.KeepAs)
}

// refuseSidecars reports files beside a database that SQLite would take for a part of the restored database: it
// replays an old WAL over the database, which silently undoes the restore.
func refuseSidecars(path, name string, suffixes ...string) error {
	for _, suffix := range suffixes {
		_, err := os.Lstat(path + suffix)
		if err == nil {
			return fmt.Errorf("%w: move %s away (it may hold the last changes of a lost database)", ErrSidecar, cmp.Or(name, path)+suffix)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// createTarget makes the image file the target, which does not exist.
func createTarget(target string, src *rewrite.Image, opts RestoreOptions) (*RestoreResult, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, filepath.Base(target))
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%w but a symbolic link to nothing", ErrNotFile)
	}
	if err := refuseSidecars(path, opts.Name, source.Sidecars()...); err != nil {
		return nil, err
	}
	// The content must be on disk before the name is: a name of an unwritten file would survive a crash.
	if err := errors.Join(src.Chmod(opts.Mode), src.Sync(), src.Close()); err != nil {
		return nil, err
	}
	if err := moveWithoutReplacing(src.Path, path); err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return &RestoreResult{MethodFile, src.Pages, src.Pages}, nil
}

// moveWithoutReplacing never overwrites a file that appeared in the meantime. Where there are no hard links it can
// only look before it renames.
func moveWithoutReplacing(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	return os.Rename(from, to)
}
