package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firn/config"
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

// findTarget finds out which file is replaced, and which environment's database that is.
func (op *Operation) findTarget() error {
	o := op.options
	if o.Environment == "" && (o.Target == "" || o.From == "" && o.Snapshot == "") {
		return outcome.Usage("firn restore ENV, or firn restore --from ENV --target FILE.", "restore: no environment or target is named")
	}
	if o.Environment != "" {
		env, err := op.s.Conf.Environment(o.Environment)
		if err != nil && o.Target == "" {
			return err
		}
		op.env = env
	}
	path := o.Target
	if path == "" {
		path = op.env.Database
	}
	reach := op.reach
	if config.IsRemote(path) {
		reach = op.reachFar
	}
	if err := reach(path); err != nil {
		return err
	}
	if op.env == nil || !op.env.Owns(op.path) {
		op.env = op.s.Conf.Owner(op.path)
	}
	if op.env == nil && op.far == nil { // it is to be the caller's alone
		if err := op.site.RefuseForeign(); err != nil {
			return errors.Join(fmt.Errorf("restore to %w", err), op.site.Close())
		}
	}
	return nil
}

// reach finds the target's folder: the private file goes beside the database itself, onto its disk.
func (op *Operation) reach(path string) (err error) {
	op.site, err = site.Reach(path)
	if errors.Is(err, fs.ErrNotExist) {
		return outcome.Failed("Make the folder first.", "restore to %s: %w", path, err)
	}
	if err != nil {
		return fmt.Errorf("restore to %s: %w", path, err)
	}
	op.path = op.site.Path()
	if site.Missing(op.path) && !site.Missing(path) {
		return errors.Join(outcome.Failed("Make what it leads to, or remove the link if nothing needs it.",
			"restore to %s: it is a symbolic link to nothing", path), op.site.Close())
	}
	return nil
}

// inspect looks at the target.
func (op *Operation) inspect(ctx context.Context) error {
	if op.far != nil {
		return op.inspectFar(ctx)
	}
	op.target = &target{}
	err := op.site.At(func(path string) error {
		image, err := sqlite.Open(ctx, path, op.site.Options(op.path, sqlite.Options{BusyTimeout: op.options.Wait}))
		if err != nil {
			return err
		}
		op.target.info = image.Info()
		return image.Close()
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return op.inspectFolder()
	case errors.Is(err, sqlite.ErrEmpty):
		return nil
	case broken(err):
		op.target.broken = err
		err = op.refuseBroken(err)
	case err != nil:
		err = refuseTarget(err)
	default:
		err = op.checkPageSize()
	}
	op.target.exists = true
	op.target.stat(op.site)
	return err
}

// stat takes note of the file's size and of when it was changed: the last changes
// may be in a WAL.
func (t *target) stat(at *site.Site) {
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

// refuseBroken leaves a file alone that could not be saved as a snapshot: it may be something else that its owner needs. If
// the application is stopped, the file is kept under another name instead.
func (op *Operation) refuseBroken(err error) error {
	if (op.options.Offline || op.stops()) && !op.inPlace {
		return nil
	}
	if op.inPlace {
		return outcome.Failed("Restore the whole database.", "%s: the target is left as it is: %w", op.command(), err)
	}
	return outcome.Failed("If it is the right file, stop the application and add --offline: the file is kept beside the new one.",
		"%s: the target is left as it is: %w", op.command(), err)
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

// checkPageSize refuses at once another page size, which would show only after minutes.
func (op *Operation) checkPageSize() error {
	from, to := op.source.Image().PageSize, op.target.info.PageSize
	if from == to || op.inPlace || op.target.info.JournalMode != "wal" || op.options.Offline || op.stops() {
		return nil
	}
	return fmt.Errorf("restore %s: snapshot %s has pages of %d bytes, the target of %d: %w",
		op.path, op.source.ID.Short(), from, to, sqlite.ErrPageSize)
}

// inspectFolder looks at where a new file will be.
func (op *Operation) inspectFolder() error {
	op.target.missing = true
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if _, err := op.site.Stat(end); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("restore to %s: %w: %s (it may hold the last changes of a lost database)", op.path, sqlite.ErrSidecar, op.path+end)
		}
	}
	dir := filepath.Dir(op.path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return outcome.Failed("Make the folder first.", "restore to %s: %w", op.path, err)
	}
	return nil
}

// needSpace says before anything is done if there is certainly too little room: for the image beside the target, and for the
// second one that a scrubbing makes.
func (op *Operation) needSpace() error {
	if op.canSeed() {
		return nil // how much room it takes is not known yet
	}
	need := op.source.Image().Size
	if op.far != nil {
		return op.needSpaceApart(need)
	}
	if op.scrub != nil && !op.scrubsApart() {
		need *= 2
	}
	if op.scrubsApart() {
		if err := op.needSpaceApart(need); err != nil {
			return err
		}
	}
	return site.NeedSpace(filepath.Dir(op.path), need)
}

// needSpaceApart says if there is too little room in the folder for temporary files.
func (op *Operation) needSpaceApart(need int64) error {
	if op.scrub != nil {
		need *= 2
	}
	if err := site.NeedSpace(os.TempDir(), need); err != nil {
		return outcome.Failed("Make room there, or set TMPDIR to a folder with more.", "restore: %w", err)
	}
	return nil
}
