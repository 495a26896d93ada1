package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// lastReplaced returns the snapshot that an undo puts back: the newest one that a restore took. If the target still holds the
// very content of that snapshot, the restore was killed before it replaced anything, and an older snapshot counts.
func (op *Operation) lastReplaced(ctx context.Context, list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	for _, s := range op.known.Past(list) {
		switch {
		case !session.PreRestore(s) || s.Database != op.env.DatabaseName:
		case s.NoUndo == nil && op.holds(ctx, s):
			op.s.Note("The restore that has saved snapshot %s was killed before it replaced anything.", s.ID.Short())
		case s.NoUndo == nil:
			return s, op.known.Surely(s, "undo", session.AnyTime)
		case s.NoUndo.Reason != "":
			return nil, outcome.Failed(fmt.Sprintf(`What an earlier restore has replaced: "firn restore %s --snapshot %s".`, op.env.Name, s.ID.Short()),
				"the last restore %s", s.NoUndo.Reason)
		}
	}
	if err := op.known.Surely(nil, "undo", session.AnyTime); err != nil {
		return nil, err
	}
	return nil, outcome.Failed(`"firn snapshots --tag pre-restore" lists what restores have replaced, in other environments, too.`,
		"%w: no restore has replaced anything here that is still kept", snapshot.ErrNotFound)
}

// MayUndo reports whether a list of an environment's snapshots, newest first, has one that an undo may put back. Only the undo itself
// finds out whether it is what was replaced last.
func MayUndo(list []*snapshot.Snapshot, env *config.Environment) bool {
	for _, s := range list {
		if session.PreRestore(s) && s.Database == env.DatabaseName && (s.NoUndo == nil || s.NoUndo.Reason != "") {
			return s.NoUndo == nil
		}
	}
	return false
}

// holds reports whether the target has the very bytes of a snapshot that a restore took of it, unless that restore was to
// leave the target so. It cuts the target at the boundaries of the snapshot's chunks, so that the same bytes have the same
// root.
func (op *Operation) holds(ctx context.Context, s *snapshot.Snapshot) bool {
	for _, by := range op.known.All {
		if by.ID == s.ReplacedBy && by.Image().Root == s.Image().Root {
			return false
		}
	}
	opts := repo.BackupOptions{DryRun: true, ForceScan: true, Parent: s.ID}
	opts.Environment, opts.Database = op.saveAs()
	result, err := op.s.Repo.Backup(ctx, site.Source(op.path, sqlite.Options{BusyTimeout: op.options.Wait}), opts)
	if err != nil { // it cannot be read, so it is replaced
		op.s.Detail("compare the target with snapshot %s: %v", s.ID.Short(), err)
		return false
	}
	return result.Snapshot.Image().Root == s.Image().Root
}

// recordTime bounds how long a restore that was interrupted takes to record something for a later undo.
const recordTime = 10 * time.Second

// recordUndo adds notes for a later undo where the snapshots alone would mislead it: this restore has saved its target and
// failed, or has replaced a target that it could not save. A restore that is killed leaves no note: its target may have been
// replaced.
func (op *Operation) recordUndo(ctx context.Context, failure error) {
	if op.env == nil || errors.Is(failure, sqlite.ErrDiffers) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if failure != nil {
		for _, s := range op.saves {
			op.noteNoUndo(ctx, s, "")
		}
		return
	}
	if op.saved != nil {
		return
	}
	for _, s := range op.known.All { // the newest that an undo would come to
		if session.PreRestore(s) && s.Environment == op.env.Name && s.Database == op.env.DatabaseName {
			op.noteNoUndo(ctx, s, op.unsaved())
			return
		}
	}
}

// unsaved says where the content has gone that was replaced and not saved.
func (op *Operation) unsaved() string {
	if op.kept != "" {
		return "kept what it replaced as " + op.kept
	}
	return "replaced nothing: there was no database"
}

// noteNoUndo keeps undos from putting a snapshot back.
func (op *Operation) noteNoUndo(ctx context.Context, s *snapshot.Snapshot, reason string) {
	n := snapshot.Note{Snapshot: s.ID, NoUndo: &snapshot.NoUndo{Time: op.s.Now(), Reason: reason}}
	if err := op.s.Repo.Note(ctx, n); err != nil {
		op.s.Warn("firn undo would put back snapshot %s, which is not what was replaced last: %v", s.ID.Short(), err)
	}
}
