package restore

import (
	"context"
	"errors"
	"os"

	"firn/config"
	"firn/outcome"
	"firn/proof"
	"firn/pull"
	"firn/repo"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
	"firn/tags"
)

// saveAs returns the names under which the target's content is saved: its environment and database. The content of a file of
// no environment is saved apart from all environments, where no undo takes it for theirs.
func (op *Operation) saveAs() (environment, database string) {
	if op.env != nil {
		return op.env.Name, op.env.DatabaseName
	}
	return "file", config.DefaultDatabaseName(op.path)
}

// save takes a snapshot of the target before it is replaced. A target that turns out to be broken is kept as a file when it
// is replaced.
func (op *Operation) save(ctx context.Context) error {
	if !op.target.exists || op.target.broken != nil {
		return nil
	}
	op.beginWatch(ctx)
	b := op.s.Progress("save target", op.target.info.Size)
	result, err := op.snapshotTarget(ctx, repo.BackupOptions{Progress: b.Set})
	b.Done()
	if err != nil {
		op.endWatch() // a broken target may be put aside
	}
	if _, ok := errors.AsType[*outcome.SourceError](err); ok && broken(err) {
		op.target.broken = err
		return op.refuseBroken(err)
	}
	if err != nil {
		return refuseTarget(err)
	}
	op.rememberSaved(result.Snapshot)
	op.savedIsThere = readWhole(result)
	op.s.Note("Saved what was there as snapshot %s", op.saved.ID.Short())
	return nil
}

// saveAgain saves what was committed to the target since [Operation.save]. It
// runs while no other connection can commit, so all that is replaced is in a snapshot.
func (op *Operation) saveAgain(ctx context.Context) error {
	if op.saved == nil && op.far == nil && isEmpty(op.path) {
		return nil
	}
	if op.saved == nil {
		return op.appeared()
	}
	untouched := op.endWatch()
	result, err := op.snapshotTarget(ctx, repo.BackupOptions{IfChanged: true})
	if err == nil && result.Skipped && result.Snapshot.ID != op.saved.ID {
		// A backup has come in between, and retention may remove what it took.
		result, err = op.snapshotTarget(ctx, repo.BackupOptions{})
	}
	if err != nil {
		return refuseTarget(err)
	}
	// A fingerprint that is still the same is enough only if we have just read the whole database, and have watched it since. A
	// page that was overwritten past SQLite, or that a disk has lost, shows in no fingerprint, and a restore has to repair it.
	op.savedIsThere = readWhole(result) || result.Skipped && op.savedIsThere && untouched
	if !result.Skipped {
		op.rememberSaved(result.Snapshot)
		op.s.Note("Saved what was committed since as snapshot %s", op.saved.ID.Short())
	}
	return nil
}

// beginWatch begins to watch the target, so that it need not be read twice: once to be saved, and again under the lock.
func (op *Operation) beginWatch(ctx context.Context) {
	if op.seed == nil {
		return
	}
	var err error
	if op.watch, err = site.NewWatch(ctx, op.path, op.options.Wait); err != nil { // it is about time only
		op.s.Detail("%v", err)
	}
}

// endWatch reports whether the target was watched, and nothing was committed to it. The watch must not be open when the
// journal mode has to be changed.
func (op *Operation) endWatch() (untouched bool) {
	if op.watch == nil {
		return false
	}
	untouched, err := op.watch.End()
	op.watch = nil
	if err != nil {
		op.s.Detail("%v", err)
	}
	return untouched && err == nil
}

// readWhole reports whether a backup has read every byte of its snapshot, and has trusted no fingerprint for any of them.
func readWhole(result *repo.BackupResult) bool {
	return result.Scanned == result.Snapshot.Image().Size
}

// rememberSaved remembers a snapshot of the target.
func (op *Operation) rememberSaved(s *snapshot.Snapshot) {
	op.saved = s
	op.saves = append(op.saves, s)
}

// isEmpty reports whether a file holds nothing that could be lost.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

// snapshotTarget takes a pre-restore snapshot.
func (op *Operation) snapshotTarget(ctx context.Context, opts repo.BackupOptions) (*repo.BackupResult, error) {
	set, err := tags.New(repo.PreRestoreTag)
	if err != nil {
		return nil, err
	}
	opts.Environment, opts.Database = op.saveAs()
	opts.Tags, opts.ReplacedBy = set, op.source.ID
	opts.HeldUp = func(reason error) { op.s.WarnHeldUp(op.path, reason) }
	opts.Prove = op.proveTarget().Prove
	how := sqlite.Options{
		BusyTimeout: op.options.Wait, HoldWriters: true, // what they would commit is about to be replaced
		HeldUp: func(reason error) { op.s.WarnLocked(op.path, true, reason) },
	}
	source := op.targetSource(how)
	result, err := op.s.Repo.Backup(ctx, source, opts)
	if _, unread := errors.AsType[*pull.StoredError](err); unread && ctx.Err() == nil {
		opts.ForceScan = true // a damaged snapshot must not keep a database from being restored
		result, err = op.s.Repo.Backup(ctx, source, opts)
	}
	return result, err
}

// proveTarget proves the snapshot of the target if what has changed in it does that. A restore does not wait for a check of all
// pages of what it replaces.
func (op *Operation) proveTarget() *proof.Prover {
	return &proof.Prover{Rules: op.s.ProofRules(op.env), Now: op.s.Now, MayCheckWhole: func(int64) bool { return false }}
}
