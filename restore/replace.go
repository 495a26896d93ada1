package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"firn/outcome"
	"firn/proof"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// fetchAndReplace is the part of a restore that needs disk space and time: the
// image is fetched, checked and scrubbed while the target is in use.
func (op *Operation) fetchAndReplace(ctx context.Context) (result *Result, err error) {
	if op.far == nil {
		op.s.SweepSite(op.site, 0) // the target is ours: private files beside it are left over from runs that have ended
		op.s.RememberPlace(op.path)
	}
	image, err := op.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	if image, err = op.prepare(ctx, image); err != nil {
		return nil, err
	}
	var replaced *sqlite.RestoreResult
	defer op.endWatch() // if it was not ended under the lock
	err = op.aroundService(ctx, func() error {
		if err := op.save(ctx); err != nil { // after the stop: what the application wrote last is in it
			return err
		}
		if err := op.prefetch(ctx, image, op.saved); err != nil {
			return fmt.Errorf("restore: the target is left as it is: %w", err)
		}
		replaced, err = op.replace(ctx, image)
		return err
	})
	if replaced == nil {
		op.recordUndo(ctx, err)
		return nil, err
	}
	op.recordUndo(ctx, nil)
	return op.result(replaced), err // with an error, too, if only the start failed
}

// result says what was done.
func (op *Operation) result(replaced *sqlite.RestoreResult) *Result {
	result := &Result{
		Method: replaced.Method, PagesWritten: replaced.PagesWritten, PageCount: replaced.PageCount, Saved: op.saved, Kept: op.kept,
	}
	if op.scrub != nil {
		result.Scrub = op.scrub.path
	}
	return result
}

// fetch puts the image, or the part of it that is needed, into a private file: beside the target; or in a folder of
// firn's own, if its rows are scrubbed first and other users can write beside the target. A file that such a user had put
// there under the name of a journal would get these rows. With an error there is no file.
func (op *Operation) fetch(ctx context.Context) (*site.Staged, error) {
	if op.canSeed() {
		return op.stageSeeded(ctx)
	}
	if op.far != nil {
		return op.fetchFar(ctx)
	}
	size := op.source.Image().Size
	if op.scrubsApart() {
		return site.StageApart("", op.site.Name, size, func(f *os.File) error { return op.s.CopyImage(ctx, op.source, f) })
	}
	return site.Stage(op.site, size, func(f *os.File) error {
		if !op.target.exists { // the file will be the target
			return op.s.CopyImage(ctx, op.source, &site.WriteBehindFile{File: f})
		}
		return op.s.CopyImage(ctx, op.source, f)
	})
}

// scrubsApart reports whether the image is scrubbed in a folder of firn's own.
func (op *Operation) scrubsApart() bool {
	return op.scrub != nil && op.far == nil && !op.site.Closed()
}

// prepare checks the image, before and after it is scrubbed, and returns it as a file beside the target. The caller removes
// this file even after an error. An image that was made elsewhere is removed here.
func (op *Operation) prepare(ctx context.Context, image *site.Staged) (*site.Staged, error) {
	if err := op.check(ctx, image); err != nil {
		return image, op.unsound(err)
	}
	if op.scrub == nil {
		return image, nil
	}
	op.s.Note("Running %s on the copy", op.scrub.path)
	if err := image.At(func(path string) error { return op.scrub.run(ctx, path) }); err != nil {
		return image, err
	}
	if err := op.tolerate(op.prove(ctx, image)); err != nil {
		return image, outcome.Usage("Correct the scrub file.", "restore: the target is left as it is: after %s: %w", op.scrub.path, err)
	}
	return op.bringBeside(image)
}

// bringBeside copies an image that is elsewhere to where it can become the target.
func (op *Operation) bringBeside(image *site.Staged) (*site.Staged, error) {
	if image.Site == op.site || op.far != nil {
		return image, nil
	}
	beside, err := image.CopyTo(op.site)
	if err != nil {
		return image, fmt.Errorf("restore: the target is left as it is: %w", err)
	}
	return beside, image.Remove()
}

// check looks whether the image is sound, unless that is known.
func (op *Operation) check(ctx context.Context, image *site.Staged) error {
	if op.sound() {
		op.s.Note("It was found sound on %s (%s)", op.s.When(op.source.Verified.Time), op.s.DescribeCheck(op.source.Verified))
		return nil
	}
	op.s.Note("Fetched it; checking the database")
	err := op.prove(ctx, image)
	op.record(ctx, err)
	return op.tolerate(err)
}

// prove returns what is wrong with an image as a [*sqlite.IntegrityError], and the parts that could not be checked as a
// [*sqlite.UncheckedError].
func (op *Operation) prove(ctx context.Context, image *site.Staged) error {
	found, err := image.Prove(ctx, op.rules())
	if err == nil {
		err = found.Err()
	}
	if err == nil && len(found.Unchecked) > 0 {
		err = &sqlite.UncheckedError{Messages: found.Unchecked}
	}
	return err
}

// rules returns what databases of the snapshot's environment are checked for.
func (op *Operation) rules() proof.Rules {
	return op.s.ProofRules(op.s.Conf.Lookup(op.source.Environment))
}

// record records what a check found, unless an earlier one found the snapshot unsound: it spares the next restore the check, and
// "latest-verified" and the lists of snapshots tell it to the next person. A check that could not be made is not recorded. Nor
// is it that nothing was found, if the snapshot's environment has SQL of its own for verifications, or is not configured here: then this
// check was less than a verification.
func (op *Operation) record(ctx context.Context, err error) {
	v := &snapshot.Verification{Time: op.s.Now(), How: op.rules().How(snapshot.HowPages)}
	found, wrong := errors.AsType[*sqlite.IntegrityError](err)
	partial, inPart := errors.AsType[*sqlite.UncheckedError](err)
	switch {
	case wrong:
		v.Problem = found.Error()
	case inPart:
		v.Unchecked = partial.Messages
	case err != nil:
		return
	}
	env := op.s.Conf.Lookup(op.source.Environment)
	if op.source.Verified != nil || !wrong && (env == nil || env.Verify != "") {
		return
	}
	if err := op.s.Repo.Note(ctx, snapshot.Note{Snapshot: op.source.ID, Verified: v}); err != nil {
		op.s.Detail("what the check of snapshot %s found could not be recorded: %v", op.source.ID.Short(), err)
	}
}

// tolerate warns of a finding that need not stop the restore, and returns any other one. A check may be impossible here.
// A database may be damaged, if the options allow that, or if an undo puts it back as it was.
func (op *Operation) tolerate(err error) error {
	_, unchecked := errors.AsType[*sqlite.UncheckedError](err)
	found, wrong := errors.AsType[*sqlite.IntegrityError](err)
	switch {
	case unchecked:
		op.s.Warn("%v", err)
	case wrong && (op.options.Unsound || op.options.Undo):
		op.s.Warn("snapshot %s is not sound: %s", op.source.ID.Short(), strings.Join(found.Messages, "; "))
	default:
		return err
	}
	return nil
}

// unsound explains a snapshot that was stored as the database was: damaged.
func (op *Operation) unsound(err error) error {
	if ie, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		err = outcome.New(fmt.Errorf("restore: snapshot %s is not sound, the target is left as it is: %w", op.source.ID.Short(), ie),
			outcome.CodeDamage,
			"The database was so when it was backed up. Choose an earlier snapshot, or add --unsound to have it as it was."+op.known.WayToSound(op.source))
	}
	return err
}

// replace makes the target equal to the image.
func (op *Operation) replace(ctx context.Context, image *site.Staged) (*sqlite.RestoreResult, error) {
	if op.far != nil {
		return op.replaceFar(ctx, image)
	}
	keep := ""
	if op.target.broken != nil {
		keep = op.keepName()
	}
	access := op.inheritedAccess(keep != "")
	opts := op.replaceOptions(ctx)
	mode, err := access.before(image)
	if err != nil {
		return nil, err
	}
	opts.Mode = mode
	var result *sqlite.RestoreResult
	err = op.site.At(func(path string) (err error) {
		if keep != "" {
			opts.KeepAs = path + keep
		}
		result, err = sqlite.Restore(ctx, path, image.Path, opts)
		return err
	})
	switch {
	case broken(err) && op.target.broken == nil: // the damage keeps it from being changed, which shows only now
		op.target.broken = err
		if err := op.refuseBroken(err); err != nil {
			return nil, err
		}
		return op.replace(ctx, image)
	case err == nil && keep != "":
		op.kept = op.path + keep
		op.s.Note("Kept what was there as %s", op.kept)
	}
	if err == nil {
		err = access.after(image)
	}
	return result, err
}

// keepName is the end of the name under which a broken target is kept.
func (op *Operation) keepName() string {
	return ".before-restore-" + op.s.Now().UTC().Format("20060102T150405Z")
}

// replaceOptions are the options that do not depend on the target's state. Work on other files than the target's own runs
// outside of its site.
func (op *Operation) replaceOptions(ctx context.Context) sqlite.RestoreOptions {
	opts := sqlite.RestoreOptions{
		BusyTimeout: op.options.Wait,
		Offline:     op.options.Offline || op.stops(),
		Name:        op.path,
		New:         op.target.missing,
		Locked:      func() error { return op.site.Outside(func() error { return op.saveAgain(ctx) }) },
	}
	if op.seed != nil {
		opts.Partial = site.OutsidePartial{Partial: op.seed, Site: op.site}
	}
	return opts
}
