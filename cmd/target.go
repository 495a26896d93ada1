package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firn/outcome"
	"firn/site"
	"firn/sqlite"
)

// target is what is known of the database that will be replaced.
type target struct {
	exists   bool        // and is not empty
	missing  bool        // there is not even an empty file
	broken   error       // why it is no database that could be saved and changed; nil if it is one
	info     sqlite.Info // unless it is broken
	size     int64       // of the file
	modified time.Time
}

// findTarget finds out where to restore to, and whose database that is.
func (r *restoration) findTarget() error {
	o := r.options
	if o.environment == "" && (o.target == "" || o.from == "" && o.snapshot == "") {
		return outcome.Usage("firn restore ENV, or firn restore --from ENV --target FILE.", "restore: no environment or target is named")
	}
	if o.environment != "" {
		env, err := r.Conf.Environment(o.environment)
		if err != nil && o.target == "" {
			return err
		}
		r.env = env
	}
	path := o.target
	if path == "" {
		path = r.env.Database
	}
	if err := r.reach(path); err != nil {
		return err
	}
	if r.env == nil || !r.env.Owns(r.path) {
		r.env = r.Conf.Owner(r.path)
	}
	if r.env == nil { // it is to be the caller's alone
		if err := r.site.RefuseForeign(); err != nil {
			return errors.Join(fmt.Errorf("restore to %w", err), r.site.Close())
		}
	}
	return nil
}

// reach finds the target's folder: the private file goes beside the database itself, onto its disk.
func (r *restoration) reach(path string) (err error) {
	r.site, err = site.Reach(path)
	if errors.Is(err, fs.ErrNotExist) {
		return outcome.Failed("Make the folder first.", "restore to %s: %w", path, err)
	}
	if err != nil {
		return fmt.Errorf("restore to %s: %w", path, err)
	}
	r.path = r.site.Path()
	if site.Missing(r.path) && !site.Missing(path) {
		return errors.Join(outcome.Failed("Make what it leads to, or remove the link if nothing needs it.",
			"restore to %s: it is a symbolic link to nothing", path), r.site.Close())
	}
	return nil
}

// inspect looks at the target.
func (r *restoration) inspect(ctx context.Context) error {
	r.target = &target{}
	err := r.site.At(func(path string) error {
		image, err := sqlite.Open(ctx, path, r.site.Options(r.path, sqlite.Options{BusyTimeout: r.options.wait}))
		if err != nil {
			return err
		}
		r.target.info = image.Info()
		return image.Close()
	})
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
		err = r.checkPageSize()
	}
	r.target.exists = true
	r.target.look(r.site)
	return err
}

// look takes note of the file's size and of when it was changed: the last changes
// may be in a WAL.
func (t *target) look(at *site.Site) {
	if file, err := at.Stat(""); err == nil {
		t.size, t.modified = file.Size(), file.ModTime()
	}
	if wal, err := at.Stat("-wal"); err == nil && wal.Size() > 0 && wal.ModTime().After(t.modified) {
		t.modified = wal.ModTime()
	}
}

// broken reports whether an error says that a file is no database, or one that
// cannot be read: it cannot be saved as a snapshot, nor changed as a database.
func broken(err error) bool { return outcome.Is(sqlite.ErrNotDatabase, sqlite.ErrCorrupt)(err) }

// refuseBroken leaves a file alone that could not be saved as a snapshot, unless
// the application is stopped: then it is kept as a file. It may be something else
// that is dear to somebody.
func (r *restoration) refuseBroken(err error) error {
	if r.options.offline || r.stops() {
		return nil
	}
	return outcome.Failed("If it is the right file, stop the application and add --offline: the file is kept beside the new one.",
		"%s: the target is left as it is: %w", r.command(), err)
}

// refuseTarget says why a target cannot be replaced.
func refuseTarget(err error) error {
	if s, ok := errors.AsType[*outcome.SourceError](err); ok {
		err = s.Err // it was read as one, to be saved, and is none here
	}
	hint := ""
	if errors.Is(err, sqlite.ErrNotFile) {
		hint = "Name the database file itself, or another one."
	}
	return outcome.Failed(hint, "restore: the target is left as it is: %w", err)
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
	r.target.missing = true
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if _, err := r.site.Stat(end); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("restore to %s: %w: %s (it may hold the last changes of a lost database)", r.path, sqlite.ErrSidecar, r.path+end)
		}
	}
	dir := filepath.Dir(r.path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return outcome.Failed("Make the folder first.", "restore to %s: %w", r.path, err)
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
	if r.scrub != nil && !r.scrubsApart() {
		need *= 2
	}
	if r.scrubsApart() {
		if err := site.NeedSpace(os.TempDir(), 2*need); err != nil {
			return outcome.Failed("Make room there, or set TMPDIR to a folder with more.", "restore: %w", err)
		}
	}
	return site.NeedSpace(filepath.Dir(r.path), need)
}
