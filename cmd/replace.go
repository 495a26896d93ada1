package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"firn/sqlite"
)

// fetchAndReplace is the part of a restore that needs disk space and time: the
// image is fetched and checked while the target is in use.
func (r *restoration) fetchAndReplace(ctx context.Context) (err error) {
	image, err := r.stage(ctx, r.source, r.path)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, removeFile(image)) }()
	r.note("Fetched it; checking the database")
	if err := sqlite.Check(ctx, image); err != nil {
		return r.unsound(err)
	}
	var result *sqlite.RestoreResult
	err = r.aroundService(ctx, func() error {
		if err := r.save(ctx); err != nil { // after the stop: what the application wrote last is in it
			return err
		}
		result, err = r.replace(ctx, image)
		return err
	})
	if result != nil { // with an error, too, if only the start failed
		err = cmp.Or(err, r.tell(result))
	}
	return err
}

// unsound explains a snapshot that was stored as the database was: damaged.
func (r *restoration) unsound(err error) error {
	if ie, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		err = &problem{
			fmt.Errorf("restore: snapshot %s is not sound, the target is left as it is: %w", r.source.ID.Short(), &sqlite.IntegrityError{
				Path: "its database", Messages: ie.Messages}),
			exitDamage,
			fmt.Sprintf(`The database was so when it was backed up. Choose an earlier snapshot; "firn dump %s -o FILE" writes this one as it is.`, r.source.ID.Short()),
		}
	}
	return err
}

// replace makes the target equal to the image.
func (r *restoration) replace(ctx context.Context, image string) (*sqlite.RestoreResult, error) {
	opts := sqlite.RestoreOptions{
		Offline: r.options.offline || r.stops(),
		Locked:  func() error { return r.saveAgain(ctx) },
	}
	if missing(r.path) {
		var err error
		if opts.Mode, err = r.dress(image); err != nil {
			return nil, err
		}
	}
	return sqlite.Restore(ctx, r.path, image, opts)
}

// dress gives a new file the owner of the database that the snapshot is of, if
// that is on this machine, and returns its mode. Else it is private: nobody who
// should not read it can.
func (r *restoration) dress(image string) (fs.FileMode, error) {
	env := r.conf.Env[r.source.Environment]
	if env == nil {
		return 0, nil
	}
	info, err := os.Stat(env.Database)
	if err != nil {
		return 0, nil // not here, or not any more
	}
	uid, gid, ok := owner(info)
	if ok {
		if err := os.Chown(image, uid, gid); err != nil {
			r.warn("%s will belong to you, not to the owner of %s: %v", r.path, env.Database, err)
			return 0, nil
		}
	}
	return info.Mode().Perm(), nil
}

// stops reports whether the application is stopped for the restore.
func (r *restoration) stops() bool { return r.env != nil && r.env.Stop != "" }

// aroundService stops the application, runs f, and starts it again, whatever
// happens in between: an interrupt does not reach the start.
func (r *restoration) aroundService(ctx context.Context, f func() error) (err error) {
	if r.env == nil || r.env.Start == "" {
		return f()
	}
	defer func() {
		e := r.runService(context.WithoutCancel(ctx), "start", r.env.Start)
		if e == nil {
			return
		}
		// Told at once: this must not get lost behind another error.
		e = &problem{e, exitFailed, "Start the application yourself: " + r.env.Start}
		r.fail(e)
		if err == nil {
			err = &reported{e}
		}
	}()
	if r.env.Stop != "" {
		if err := r.runService(ctx, "stop", r.env.Stop); err != nil {
			return fmt.Errorf("restore: nothing was changed: %w", err)
		}
	}
	return f()
}

// runService runs the stop or start command; what it prints is for the user.
func (r *restoration) runService(ctx context.Context, what, command string) error {
	r.note("Run %s: %s", what, command)
	cmd := shell(ctx, command)
	shield(cmd)
	cmd.Stdout, cmd.Stderr = r.stderr, r.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s command of %s: %w", what, r.env.name, err)
	}
	return nil
}
