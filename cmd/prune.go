package cmd

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/repo"
	"firn/report"
	"firn/session"
)

// pruneOptions are the flags of prune.
type pruneOptions struct {
	dryRun    bool
	orphanAge time.Duration
	within    bool // the prune is a step of another command
}

func newPrune(c *cli) *cobra.Command {
	var o pruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Free the space of forgotten snapshots",
		Long: `Frees the space that no snapshot needs any more. Backups may run meanwhile.

Space is freed in two steps. One run marks data that no snapshot needs, and a later run
deletes the marked data, when no running backup can rely on it. Marked data is shown as
pending. "firn backup --prune" does all this, too, when it is due.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.Context(), session.OpenOptions{})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.prune(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing, show what would be freed")
	cmd.Flags().DurationVar(&o.orphanAge, "orphan-age", 0, "the age up to which packs may belong to a running backup, and are spared")
	_ = cmd.Flags().MarkHidden("orphan-age") // the flag exists: no error
	c.addJSONFlag(cmd)
	return cmd
}

// pruneMessage is the result of a prune in JSON.
type pruneMessage struct {
	Type      string `json:"message_type"` // "prune" within another command, else "summary"
	DryRun    bool   `json:"dry_run"`
	Freed     int64  `json:"freed"`
	Pending   int64  `json:"pending"`
	Copied    int64  `json:"copied"`
	Deleted   int    `json:"packs_deleted"`
	Condemned int    `json:"packs_condemned"`
	Packs     int    `json:"packs"`
	Size      int64  `json:"size"`

	ForgottenBy []string `json:"forgotten_by,omitempty"` // other hosts, lately: the space is not freed yet
}

// prune runs the command, or a prune after another command.
func (s *opened) prune(ctx context.Context, o pruneOptions) error {
	result, err := s.Prune(ctx, session.PruneOptions{DryRun: o.dryRun, OrphanAge: o.orphanAge})
	if err != nil {
		return err
	}
	return s.reportPrune(result, o.dryRun, o.within)
}

// reportPrune prints the result of a prune. Within another command, its message in JSON is not the summary.
func (s *opened) reportPrune(r *repo.PruneResult, dryRun, within bool) error {
	if s.json {
		m := pruneMessage{
			Type: "summary", DryRun: dryRun, Freed: r.Freed, Pending: r.Pending, Copied: r.Copied,
			Deleted: r.Deleted, Condemned: r.Condemned, Packs: r.Packs, Size: r.Size, ForgottenBy: r.ForgottenBy,
		}
		if within {
			m.Type = "prune"
		}
		return s.printJSON(m)
	}
	verb := "Freed"
	if dryRun {
		verb = "Dry run: would free"
	}
	s.Done("%s %s, %s pending for a later prune; the repository has %s in %s",
		verb, report.Size(r.Freed), report.Size(r.Pending), report.Size(r.Size), report.Plural(r.Packs, "pack"))
	if len(r.ForgottenBy) > 0 {
		s.note("snapshots that %s has forgotten during the last week keep their space until then", strings.Join(r.ForgottenBy, ", "))
	}
	return nil
}
