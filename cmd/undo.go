package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

func newUndo(c *cli) *cobra.Command {
	o := restoreOptions{undo: true}
	cmd := &cobra.Command{
		Use:     "undo ENV",
		Short:   "Put back what the last restore has replaced",
		GroupID: groupMain,
		Long: `Puts back what the last restore into an environment has replaced: restores the
newest snapshot that has the tag pre-restore. What is there now is saved, too, so
that a second undo is the undoing of the first.`,
		Example: `  firn undo demo
  firn undo demo --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = args[0]
			return c.restore(cmd.Context(), o)
		},
	}
	cmd.Flags().SortFlags = false
	addReplaceFlags(cmd, &o)
	c.addJSONFlag(cmd)
	return cmd
}

// lastReplaced returns the snapshot that an undo puts back. Of what the target holds now
// nothing was replaced: the restore that saved it was killed, and an older one counts.
func (r *restoration) lastReplaced(ctx context.Context, list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	for _, s := range r.known.Past(list) {
		switch {
		case !session.PreRestore(s) || s.Database != r.env.DatabaseName:
		case s.NoUndo == nil && r.holds(ctx, s):
			r.note("The restore that has saved snapshot %s was killed before it replaced anything.", s.ID.Short())
		case s.NoUndo == nil:
			return s, r.known.Surely(s, "undo", session.AnyTime)
		case s.NoUndo.Reason != "":
			return nil, outcome.Failed(fmt.Sprintf(`What an earlier restore has replaced: "firn restore %s --snapshot %s".`, r.env.Name, s.ID.Short()),
				"the last restore %s", s.NoUndo.Reason)
		}
	}
	if err := r.known.Surely(nil, "undo", session.AnyTime); err != nil {
		return nil, err
	}
	return nil, outcome.Failed(`"firn snapshots --tag pre-restore" lists what restores have replaced, in other environments, too.`,
		"%w: no restore has replaced anything here that is still kept", snapshot.ErrNotFound)
}

// holds reports whether the target has the very bytes of a snapshot that a restore took of it,
// unless that restore was to leave it so. The boundaries of the snapshot's chunks are taken,
// so that the same bytes have the same root.
func (r *restoration) holds(ctx context.Context, s *snapshot.Snapshot) bool {
	for _, by := range r.known.All {
		if by.ID == s.ReplacedBy && by.Image().Root == s.Image().Root {
			return false
		}
	}
	opts := repo.BackupOptions{DryRun: true, ForceScan: true, Parent: s.ID}
	opts.Environment, opts.Database = r.saveAs()
	result, err := r.Repo.Backup(ctx, site.Source(r.path, sqlite.Options{BusyTimeout: r.options.wait}), opts)
	if err != nil { // it cannot be read, so it is replaced
		r.detail("compare the target with snapshot %s: %v", s.ID.Short(), err)
		return false
	}
	return result.Snapshot.Image().Root == s.Image().Root
}

// recordTime bounds what a restore does about a later undo when it was interrupted.
const recordTime = 10 * time.Second

// recordUndo takes note of what a later undo has to know, if that is not what the
// snapshots say: that a restore has failed which had saved its target, or one has
// replaced what it could not save. A restore that is killed leaves no note: then its
// target may have been replaced.
func (r *restoration) recordUndo(ctx context.Context, failure error) {
	if r.env == nil || errors.Is(failure, sqlite.ErrDiffers) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if failure != nil {
		for _, s := range r.saves {
			r.noteNoUndo(ctx, s, "")
		}
		return
	}
	if r.saved != nil {
		return
	}
	for _, s := range r.known.All { // the newest that an undo would come to
		if session.PreRestore(s) && s.Environment == r.env.Name && s.Database == r.env.DatabaseName {
			r.noteNoUndo(ctx, s, r.unsaved())
			return
		}
	}
}

// unsaved says where what was replaced has gone.
func (r *restoration) unsaved() string {
	if r.kept != "" {
		return "kept what it replaced as " + r.kept
	}
	return "replaced nothing: there was no database"
}

func (r *restoration) noteNoUndo(ctx context.Context, s *snapshot.Snapshot, reason string) {
	n := snapshot.Note{Snapshot: s.ID, NoUndo: &snapshot.NoUndo{Time: r.Now(), Reason: reason}}
	if err := r.Repo.Note(ctx, n); err != nil {
		r.warn("firn undo would put back snapshot %s, which is not what was replaced last: %v", s.ID.Short(), err)
	}
}
