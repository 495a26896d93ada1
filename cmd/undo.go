package cmd

import (
	"github.com/spf13/cobra"

	"firn/snapshot"
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

// lastReplaced returns the snapshot that an undo puts back.
func (r *restoration) lastReplaced(list []*snapshot.Snapshot) (*snapshot.Snapshot, error) {
	for _, s := range list {
		if preRestore(s) && s.Database == r.env.Name {
			return s, nil
		}
	}
	return nil, failed(`"firn snapshots --tag pre-restore" lists what restores have replaced, in other environments, too.`,
		"%w: no restore has replaced anything here that is still kept", snapshot.ErrNotFound)
}
