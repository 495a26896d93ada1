package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"firn/outcome"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// fetchAndReplace is the part of a restore that needs disk space and time: the
// image is fetched, checked and scrubbed while the target is in use.
func (r *restoration) fetchAndReplace(ctx context.Context) (err error) {
	r.SweepSite(r.site, 0) // the target is ours: what is beside it is no other run's of this moment
	r.RememberPlace(r.path)
	image, err := r.fetch(ctx)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	if image, err = r.prepare(ctx, image); err != nil {
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

// fetch puts the image, or the part of it that is needed, into a private file: beside the target; or in a folder of
// firn's own, if rows are in it that are scrubbed first and others can write beside the target. What they had put there
// under the name of a journal would get these rows. With an error there is no file.
func (r *restoration) fetch(ctx context.Context) (*site.Staged, error) {
	if r.fromNear() {
		return r.stageNear(ctx)
	}
	size := r.source.Image().Size
	if r.scrubsApart() {
		return site.StageApart("", r.site.Name, size, func(f *os.File) error { return r.CopyImage(ctx, r.source, f) })
	}
	return site.Stage(r.site, size, func(f *os.File) error {
		if !r.target.exists { // the file will be the target
			return r.CopyImage(ctx, r.source, &site.WriteBehindFile{File: f})
		}
		return r.CopyImage(ctx, r.source, f)
	})
}

// scrubsApart reports whether the image is scrubbed in a folder of firn's own.
func (r *restoration) scrubsApart() bool { return r.scrub != nil && !r.site.Closed() }

// prepare makes sure of the image, before and after it was scrubbed, and returns it as a file beside the target. The
// caller removes it even after an error; one that was made elsewhere is removed here.
func (r *restoration) prepare(ctx context.Context, image *site.Staged) (*site.Staged, error) {
	if err := r.check(ctx, image); err != nil {
		return image, r.unsound(err)
	}
	if r.scrub == nil {
		return image, nil
	}
	r.note("Running %s on the copy", r.scrub.path)
	if err := image.At(func(path string) error { return r.scrub.run(ctx, path) }); err != nil {
		return image, err
	}
	if err := r.tolerate(image.Check(ctx)); err != nil {
		return image, outcome.Usage("Correct the scrub file.", "restore: the target is left as it is: after %s: %w", r.scrub.path, err)
	}
	return r.bringBeside(image)
}

// bringBeside copies an image that is elsewhere to where it can become the target.
func (r *restoration) bringBeside(image *site.Staged) (*site.Staged, error) {
	if image.Site == r.site {
		return image, nil
	}
	beside, err := image.CopyTo(r.site)
	if err != nil {
		return image, fmt.Errorf("restore: the target is left as it is: %w", err)
	}
	return beside, image.Remove()
}

// check looks whether the image is sound, unless that is known.
func (r *restoration) check(ctx context.Context, image *site.Staged) error {
	if r.sound() {
		r.note("It was found sound on %s (%s)", r.When(r.source.Verified.Time), session.DescribeCheck(r.source.Verified))
		return nil
	}
	r.note("Fetched it; checking the database")
	found := image.Check(ctx)
	if found == nil {
		r.recordSound(ctx)
	}
	return r.tolerate(found)
}

// recordSound spares the next restore the check. Of an environment whose own SQL is a part of being verified, or that is
// not configured here, this was less than that.
func (r *restoration) recordSound(ctx context.Context) {
	env := r.Conf.Env[r.source.Environment]
	if env == nil || env.Verify != "" || r.source.Verified != nil {
		return
	}
	n := snapshot.Note{Snapshot: r.source.ID, Verified: &snapshot.Verification{Time: r.Now(), How: session.CheckedHow}}
	if err := r.Repo.Note(ctx, n); err != nil {
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
		err = outcome.New(fmt.Errorf("restore: snapshot %s is not sound, the target is left as it is: %w", r.source.ID.Short(), &sqlite.IntegrityError{
			Path: "its database", Messages: ie.Messages}),
			outcome.CodeDamage,
			"The database was so when it was backed up. Choose an earlier snapshot, or add --unsound to have it as it was."+r.known.WayToSound(r.source))
	}
	return err
}

// replace makes the target equal to the image.
func (r *restoration) replace(ctx context.Context, image *site.Staged) (*sqlite.RestoreResult, error) {
	keep := ""
	if r.target.broken != nil {
		keep = ".before-restore-" + r.Now().UTC().Format("20060102T150405Z")
	}
	access := r.newAccess(keep != "")
	opts := r.replaceOptions(ctx)
	mode, err := access.before(image)
	if err != nil {
		return nil, err
	}
	opts.Mode = mode
	var result *sqlite.RestoreResult
	err = r.site.At(func(path string) (err error) {
		if keep != "" {
			opts.KeepAs = path + keep
		}
		result, err = sqlite.Restore(ctx, path, image.Path, opts)
		return err
	})
	switch {
	case broken(err) && r.target.broken == nil: // so much that it cannot be changed, as shows only now
		r.target.broken = err
		if err := r.refuseBroken(err); err != nil {
			return nil, err
		}
		return r.replace(ctx, image)
	case err == nil && keep != "":
		r.kept = r.path + keep
		r.note("Kept what was there as %s", r.kept)
	}
	if err == nil {
		err = access.after(image)
	}
	return result, err
}

// replaceOptions are those that do not depend on the target's state. What is not about the target's own files runs
// outside of its site.
func (r *restoration) replaceOptions(ctx context.Context) sqlite.RestoreOptions {
	opts := sqlite.RestoreOptions{
		BusyTimeout: r.options.wait,
		Offline:     r.options.offline || r.stops(),
		Name:        r.path,
		New:         r.target.missing,
		Locked:      func() error { return r.site.Outside(func() error { return r.saveAgain(ctx) }) },
	}
	if r.near != nil {
		opts.Partial = site.OutsidePartial{Partial: r.near, Site: r.site}
	}
	return opts
}
