package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firn/sqlite"
)

// target is what is known of the database that will be replaced.
type target struct {
	exists   bool        // and is not empty
	broken   error       // why it is no database that could be saved and changed; nil if it is one
	info     sqlite.Info // unless it is broken
	size     int64       // of the file
	modified time.Time
}

// findTarget finds out where to restore to, and whose database that is.
func (r *restoration) findTarget() error {
	o := r.options
	if o.environment == "" && (o.target == "" || o.from == "" && o.snapshot == "") {
		return usage("firn restore ENV, or firn restore --from ENV --target FILE.", "restore: no environment or target is named")
	}
	if o.environment != "" {
		env, err := r.conf.environment(o.environment)
		if err != nil && o.target == "" {
			return err
		}
		r.env = env
	}
	r.path = o.target
	if r.path == "" {
		r.path = r.env.Database
	}
	var err error
	if r.path, err = filepath.Abs(r.path); err != nil {
		return err
	}
	r.path = realPath(r.path) // the private file goes beside the database itself, onto its disk
	if r.env == nil || !r.env.owns(r.path) {
		r.env = r.conf.owner(r.path)
	}
	return nil
}

// owner returns an environment whose database a file is, or nil.
func (conf *config) owner(path string) *environment {
	for _, name := range conf.names() {
		if conf.Env[name].owns(path) {
			return conf.Env[name]
		}
	}
	return nil
}

func (e *environment) owns(path string) bool { return realPath(path) == realPath(e.Database) }

// realPath returns a path without symbolic links. The file itself may be missing.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// inspect looks at the target.
func (r *restoration) inspect(ctx context.Context) error {
	r.target = &target{}
	image, err := sqlite.Open(ctx, r.path, sqlite.Options{BusyTimeout: r.options.wait})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.inspectFolder()
	case errors.Is(err, sqlite.ErrEmpty):
		return nil
	case broken(err):
		r.target.broken = err
		err = r.refuseBroken(err)
	case err != nil:
		err = refuseTarget(err)
	default:
		r.target.info = image.Info()
		err = errors.Join(r.checkPageSize(), image.Close())
	}
	r.target.exists = true
	r.target.look(r.path)
	return err
}

// look takes note of the file's size and of when it was changed: the last changes
// may be in a WAL.
func (t *target) look(path string) {
	if file, err := os.Stat(path); err == nil {
		t.size, t.modified = file.Size(), file.ModTime()
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 && wal.ModTime().After(t.modified) {
		t.modified = wal.ModTime()
	}
}

// broken reports whether an error says that a file is no database, or one that
// cannot be read: it cannot be saved as a snapshot, nor changed as a database.
func broken(err error) bool { return is(sqlite.ErrNotDatabase, sqlite.ErrCorrupt)(err) }

// refuseBroken leaves a file alone that could not be saved as a snapshot, unless
// the application is stopped: then it is kept as a file. It may be something else
// that is dear to somebody.
func (r *restoration) refuseBroken(err error) error {
	if r.options.offline || r.stops() {
		return nil
	}
	return failed("If it is the right file, stop the application and add --offline: the file is kept beside the new one.",
		"%s: the target is left as it is: %w", r.command(), err)
}

// refuseTarget says why a target cannot be replaced.
func refuseTarget(err error) error {
	if s, ok := errors.AsType[*sourceError](err); ok {
		err = s.err // it was read as one, to be saved, and is none here
	}
	hint := ""
	if errors.Is(err, sqlite.ErrNotFile) {
		hint = "Name the database file itself, or another one."
	}
	return failed(hint, "restore: the target is left as it is: %w", err)
}

// checkPageSize says at once what would come out after minutes.
func (r *restoration) checkPageSize() error {
	from, to := r.source.Image().PageSize, r.target.info.PageSize
	if from == to || r.target.info.JournalMode != "wal" || r.options.offline || r.stops() {
		return nil
	}
	return fmt.Errorf("restore %s: snapshot %s has pages of %d bytes, the target of %d: %w",
		r.path, r.source.ID.Short(), from, to, sqlite.ErrPageSize)
}

// inspectFolder looks at where a new file will be.
func (r *restoration) inspectFolder() error {
	if _, err := os.Lstat(r.path); err == nil {
		return failed("Remove the link, or make what it leads to.", "restore to %s: it is a symbolic link to nothing", r.path)
	}
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if !missing(r.path + end) {
			return fmt.Errorf("restore to %s: %w: %s (it may hold the last changes of a lost database)", r.path, sqlite.ErrSidecar, r.path+end)
		}
	}
	dir := filepath.Dir(r.path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return failed("Make the folder first.", "restore to %s: %w", r.path, err)
	}
	return nil
}

// needSpace says before anything is done that there is certainly too little room:
// for the image beside the target, and for the second one that a scrubbing makes.
func (r *restoration) needSpace() error {
	if r.fromNear() {
		return nil // nobody knows how much
	}
	need := r.source.Image().Size
	if r.scrub != nil {
		need *= 2
	}
	return needSpace(filepath.Dir(r.path), need)
}
