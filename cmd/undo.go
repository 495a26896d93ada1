package cmd

import (
	"github.com/spf13/cobra"

	"firn/restore"
)

func newUndo(c *cli) *cobra.Command {
	o := restoreOptions{Options: restore.Options{Undo: true}}
	cmd := &cobra.Command{
		Use:   "undo ENV",
		Short: "Put back the database that the last restore has replaced",
		Long: `Puts back the content that the last restore into an environment has replaced: restores
the newest snapshot that has the tag pre-restore. The present content is saved first, so
a second undo undoes the first.`,
		Example: `  firn undo demo
  firn undo demo --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Environment = args[0]
			return c.restore(cmd.Context(), o)
		},
	}
	cmd.Flags().SortFlags = false
	addReplaceFlags(cmd, &o)
	c.addJSONFlag(cmd)
	return cmd
}
