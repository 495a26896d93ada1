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
	exists   bool // and is not empty
	info     sqlite.Info
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
	if real, err := filepath.EvalSymlinks(r.path); err == nil {
		r.path = real // the private file goes beside the database itself, onto its disk
	}
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

func (e *environment) owns(path string) bool {
	real, err := filepath.EvalSymlinks(e.Database)
	return path == e.Database || err == nil && path == real
}

// inspect looks at the target. What is no sound database is not replaced: it
// could not be saved, and may be something else that is dear to somebody.
func (r *restoration) inspect(ctx context.Context) error {
	image, err := sqlite.Open(ctx, r.path, sqlite.Options{})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.target = &target{}
		return r.inspectFolder()
	case errors.Is(err, sqlite.ErrEmpty):
		r.target = &target{}
		return nil
	case err != nil:
		return refuseTarget(err)
	}
	r.target = &target{exists: true, info: image.Info()}
	if file, err := os.Stat(r.path); err == nil {
		r.target.modified = file.ModTime()
	}
	return errors.Join(r.checkPageSize(), image.Close())
}

// refuseTarget says why a target cannot be replaced.
func refuseTarget(err error) error {
	if s, ok := errors.AsType[*sourceError](err); ok {
		err = s.err // it was read as one, to be saved, and is none here
	}
	hint := ""
	if is(sqlite.ErrNotDatabase, sqlite.ErrCorrupt, sqlite.ErrNotFile)(err) {
		hint = "Move it away, and files of the same name ending in -wal, -shm or -journal with it. Then run it again."
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

func (r *restoration) inspectFolder() error {
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
