package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/snapshot"
	"firn/sqlite"
)

// fetchAndReplace is the part of a restore that needs disk space and time: the
// image is fetched, checked and scrubbed while the target is in use.
func (r *restoration) fetchAndReplace(ctx context.Context) (err error) {
	r.removeLeftovers(r.path, 0) // we hold the lock: they are no other's of this moment
	image, err := r.fetch(ctx)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, removeStaged(image)) }()
	if err := r.prepare(ctx, image); err != nil {
		return err
	}
	var result *sqlite.RestoreResult
	defer r.endWatch() // if it was not ended under the lock
	err = r.aroundService(ctx, func() error {
		if err := r.save(ctx); err != nil { // after the stop: what the application wrote last is in it
			return err
		}
		if err := r.expect(ctx, image, r.saved); err != nil {
			return fmt.Errorf("restore: the target is left as it is: %w", err)
		}
		result, err = r.replace(ctx, image)
		return err
	})
	if result == nil {
		r.recordUndo(ctx, err)
		return err
	}
	r.recordUndo(ctx, nil)
	return cmp.Or(err, r.tell(result)) // with an error, too, if only the start failed
}

// fetch puts the image, or what is needed of it, into a file beside the target. With an
// error there is none.
func (r *restoration) fetch(ctx context.Context) (image string, err error) {
	if r.fromNear() {
		return r.stageNear(ctx)
	}
	if missing(r.path) { // the file will be the target
		return beside(r.path, r.source.Image().Size, func(f *os.File) error {
			return r.copyImage(ctx, r.source, &aheadFile{File: f})
		})
	}
	return r.stage(ctx, r.source, r.path)
}

// prepare makes sure of the image, before and after it was scrubbed.
func (r *restoration) prepare(ctx context.Context, image string) error {
	if err := r.check(ctx, image); err != nil {
		return r.unsound(err)
	}
	if r.scrub == nil {
		return nil
	}
	r.note("Running %s on the copy", r.scrub.path)
	if err := r.scrub.run(ctx, image); err != nil {
		return err
	}
	if err := r.tolerate(sqlite.Check(ctx, image)); err != nil {
		return usage("Correct the scrub file.", "restore: the target is left as it is: after %s: %w", r.scrub.path, err)
	}
	return nil
}

// check looks whether the image is sound, unless that is known.
func (r *restoration) check(ctx context.Context, image string) error {
	if r.sound() {
		r.note("It was found sound on %s (%s)", r.when(r.source.Verified.Time), r.source.Verified.How)
		return nil
	}
	r.note("Fetched it; checking the database")
	found := sqlite.Check(ctx, image)
	if found == nil {
		r.recordSound(ctx)
	}
	return r.tolerate(found)
}

// recordSound spares the next restore the check. Of an environment whose own SQL is a part of being verified, or that is
// not configured here, this was less than that.
func (r *restoration) recordSound(ctx context.Context) {
	env := r.conf.Env[r.source.Environment]
	if env == nil || env.Verify != "" || r.source.Verified != nil {
		return
	}
	n := snapshot.Note{Snapshot: r.source.ID, Verified: &snapshot.Verification{Time: r.now(), How: checkedHow}}
	if err := r.repo.Note(ctx, n); err != nil {
		r.detail("that snapshot %s is sound could not be recorded: %v", r.source.ID.Short(), err)
	}
}

// tolerate warns of what keeps no image from being restored: what could not be looked
// at here; and what is wrong with a database, if that was allowed, or was so with the
// one that an undo puts back.
func (r *restoration) tolerate(err error) error {
	_, unchecked := errors.AsType[*sqlite.UncheckedError](err)
	found, wrong := errors.AsType[*sqlite.IntegrityError](err)
	switch {
	case unchecked:
		r.warn("%v", err)
	case wrong && (r.options.unsound || r.options.undo):
		r.warn("snapshot %s is not sound: %s", r.source.ID.Short(), strings.Join(found.Messages, "; "))
	default:
		return err
	}
	return nil
}

// unsound explains a snapshot that was stored as the database was: damaged.
func (r *restoration) unsound(err error) error {
	if ie, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		err = &problem{
			fmt.Errorf("restore: snapshot %s is not sound, the target is left as it is: %w", r.source.ID.Short(), &sqlite.IntegrityError{
				Path: "its database", Messages: ie.Messages}),
			exitDamage,
			"The database was so when it was backed up. Choose an earlier snapshot, or add --unsound to have it as it was." + r.known.wayToSound(r.source),
		}
	}
	return err
}

// replace makes the target equal to the image.
func (r *restoration) replace(ctx context.Context, image string) (*sqlite.RestoreResult, error) {
	opts := sqlite.RestoreOptions{
		BusyTimeout: r.options.wait,
		Offline:     r.options.offline || r.stops(),
		Locked:      func() error { return r.saveAgain(ctx) },
	}
	if r.near != nil {
		opts.Partial = r.near
	}
	switch {
	case r.target.broken != nil:
		opts.KeepAs = r.path + ".before-restore-" + r.now().UTC().Format("20060102T150405Z")
	case missing(r.path):
		var err error
		if opts.Mode, err = r.dress(image); err != nil {
			return nil, err
		}
	}
	result, err := sqlite.Restore(ctx, r.path, image, opts)
	switch {
	case broken(err) && r.target.broken == nil: // so much that it cannot be changed, as shows only now
		r.target.broken = err
		if err := r.refuseBroken(err); err != nil {
			return nil, err
		}
		return r.replace(ctx, image)
	case err == nil && opts.KeepAs != "":
		r.kept = opts.KeepAs
		r.note("Kept what was there as %s", r.kept)
	}
	return result, err
}

// dress gives a new file the owner of the database that the snapshot is of, if
// that is on this machine, and returns its mode. Else it belongs to whom its folder
// belongs to, who is probably the one who has to open it, and nobody else can read it.
func (r *restoration) dress(image string) (fs.FileMode, error) {
	like, mode := filepath.Dir(r.path), fs.FileMode(0o600)
	info, err := os.Stat(like)
	if env := r.conf.Env[r.source.Environment]; env != nil {
		if database, e := os.Stat(env.Database); e == nil {
			like, info, err, mode = env.Database, database, nil, database.Mode().Perm()
		}
	}
	if err != nil {
		return 0, err
	}
	uid, gid, ok := owner(info)
	if !ok {
		return mode, nil
	}
	if err := os.Chown(image, uid, gid); err != nil {
		r.warn("%s will belong to you, not to the owner of %s: %v", r.path, like, err)
		return 0, nil
	}
	return mode, nil
}
