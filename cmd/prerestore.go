package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
	"firn/tags"
)

// saveAs is where what is replaced is saved: under the target's environment, or, for
// a file of none, apart from all of them, where no undo takes it for an environment's.
func (r *restoration) saveAs() (environment, database string) {
	if r.env != nil {
		return r.env.Name, r.env.DatabaseName
	}
	return "file", config.DefaultDatabaseName(r.path)
}

// save snapshots the target before it is replaced. One that turns out to be broken
// is kept as a file when it is.
func (r *restoration) save(ctx context.Context) error {
	if !r.target.exists || r.target.broken != nil {
		return nil
	}
	r.beginWatch(ctx)
	b := r.progress("save target", r.target.info.Size)
	result, err := r.snapshotTarget(ctx, repo.BackupOptions{Progress: b.Set})
	b.Done()
	if err != nil {
		r.endWatch() // a broken target may be put aside
	}
	if _, ok := errors.AsType[*outcome.SourceError](err); ok && broken(err) {
		r.target.broken = err
		return r.refuseBroken(err)
	}
	if err != nil {
		return refuseTarget(err)
	}
	r.keepInMind(result.Snapshot)
	r.savedIsThere = readWhole(result)
	r.note("Saved what was there as snapshot %s", r.saved.ID.Short())
	return nil
}

// saveAgain saves what was committed to the target since [restoration.save]. It
// runs while nobody else can commit: what is replaced is all in a snapshot.
func (r *restoration) saveAgain(ctx context.Context) error {
	if r.saved == nil && isEmpty(r.path) {
		return nil
	}
	if r.saved == nil { // the target has appeared since we looked
		return fmt.Errorf("restore %s: it was not there a moment ago: %w", r.path, fs.ErrExist)
	}
	untouched := r.endWatch()
	result, err := r.snapshotTarget(ctx, repo.BackupOptions{IfChanged: true})
	if err == nil && result.Skipped && result.Snapshot.ID != r.saved.ID {
		// A backup has come in between, and retention may remove what it took.
		result, err = r.snapshotTarget(ctx, repo.BackupOptions{})
	}
	if err != nil {
		return refuseTarget(err)
	}
	// Recognising it is enough only if we have just read the whole database, and have watched it since. A page that was
	// overwritten past SQLite, or that a disk has lost, shows in no fingerprint, and a restore has to repair it.
	r.savedIsThere = readWhole(result) || result.Skipped && r.savedIsThere && untouched
	if !result.Skipped {
		r.keepInMind(result.Snapshot)
		r.note("Saved what was committed since as snapshot %s", r.saved.ID.Short())
	}
	return nil
}

// beginWatch begins to watch the target, so that it need not be read twice: once to be saved, and again under the lock.
func (r *restoration) beginWatch(ctx context.Context) {
	if r.near == nil {
		return
	}
	var err error
	if r.watch, err = site.NewWatch(ctx, r.path, r.options.wait); err != nil { // it is about time only
		r.detail("%v", err)
	}
}

// endWatch reports whether the target was watched, and nobody has committed to it. Nothing may be open when the journal
// mode has to be changed.
func (r *restoration) endWatch() (untouched bool) {
	if r.watch == nil {
		return false
	}
	untouched, err := r.watch.End()
	r.watch = nil
	if err != nil {
		r.detail("%v", err)
	}
	return untouched && err == nil
}

// readWhole reports whether a run has read every byte of what its snapshot holds: then
// no fingerprint stands for any of it.
func readWhole(result *repo.BackupResult) bool {
	return result.Scanned == result.Snapshot.Image().Size
}

// keepInMind remembers a snapshot of the target.
func (r *restoration) keepInMind(s *snapshot.Snapshot) {
	r.saved = s
	r.saves = append(r.saves, s)
}

// isEmpty reports whether a file holds nothing that could be lost.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

// snapshotTarget takes a pre-restore snapshot.
func (r *restoration) snapshotTarget(ctx context.Context, opts repo.BackupOptions) (*repo.BackupResult, error) {
	set, err := tags.New(repo.PreRestoreTag)
	if err != nil {
		return nil, err
	}
	opts.Environment, opts.Database = r.saveAs()
	opts.Tags, opts.ReplacedBy = set, r.source.ID
	opts.HeldUp = func(reason error) { r.WarnHeldUp(r.path, reason) }
	how := sqlite.Options{
		BusyTimeout: r.options.wait, HoldWriters: true, // what they would commit is about to be replaced
		HeldUp: func(reason error) { r.WarnLocked(r.path, true, reason) },
	}
	return r.Repo.Backup(ctx, site.Source(r.path, how), opts)
}
