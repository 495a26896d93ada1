package cmd

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/config"
	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/upkeep"
)

// forgetOptions are the flags of forget.
type forgetOptions struct {
	dryRun, prune bool
	keep          *keepFlags
	rules         *config.Keep  // the rules of the flags, nil for the configured rules
	simulate      string        // the time to simulate; "" for no simulation
	every         time.Duration // the time between two backups of a simulation
}

func newForget(c *cli) *cobra.Command {
	var o forgetOptions
	cmd := &cobra.Command{
		Use:   "forget [ENV] [--keep-...] | ID...",
		Short: "Remove snapshots, by rules or by ID",
		Long: `Removes snapshots that no retention rule keeps, of one environment or of all, or single
snapshots by their IDs. A later prune frees their space.

The rules are in the configuration. If any --keep flag is given, the flags are the only
rules. The rules count for each environment and database separately. A snapshot stays if
any rule keeps it. Hours, days and so on without a snapshot do not count. Pinned snapshots, the newest snapshot and the newest verified one
always stay. Snapshots that a restore took of the replaced content stay for 30 days.`,
		Example: `  firn forget --dry-run
  firn forget production --keep-last 10 --keep-monthly all --prune
  firn forget production --simulate 90d --every 12m
  firn forget 3f2a91c0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("every") && o.simulate == "" {
				return outcome.Usage("Add --simulate 90d, for instance.", "--every is for --simulate alone: without it, snapshots are removed")
			}
			return c.forget(cmd.Context(), args, o)
		},
		SuggestFor: []string{"rm", "remove"},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.keep = newKeepFlags(f, false)
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, show what would be removed, and why")
	f.BoolVar(&o.prune, "prune", false, "then free the space")
	f.StringVar(&o.simulate, "simulate", "", "only show what is left after this `time` of backups: 90d")
	addEvery(f, &o.every, "`time` between two simulated backups")
	c.addJSONFlag(cmd)
	return cmd
}

// forgetMessage is the outcome of forget in JSON.
type forgetMessage struct {
	Type    string         `json:"message_type"` // "summary"
	DryRun  bool           `json:"dry_run"`
	Keep    []decisionInfo `json:"keep"`
	Removed []decisionInfo `json:"removed"`
}

// decisionInfo is a snapshot with the reasons for which it is kept, in JSON.
type decisionInfo struct {
	answer.Snapshot
	Reasons []string `json:"reasons"`
}

// forget runs the command.
func (c *cli) forget(ctx context.Context, args []string, o forgetOptions) error {
	var err error
	if o.rules, err = o.keep.rules(); err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	if o.simulate != "" {
		return s.simulate(ctx, args, o)
	}
	result, err := upkeep.Forget(ctx, s.Session, upkeep.ForgetOptions{Names: args, Keep: o.rules, DryRun: o.dryRun})
	if err != nil {
		return err
	}
	if err := s.reportForgotten(result, o.dryRun); err != nil {
		return err
	}
	if o.prune && !o.dryRun {
		if err := s.prune(ctx, pruneOptions{within: true}); err != nil {
			return err
		}
	}
	return result.Damage // records that cannot be read are neither counted nor removed, and stop nothing
}

// reportForgotten prints the outcome: every decision in a dry run or with --verbose, otherwise the numbers.
func (s *opened) reportForgotten(result *upkeep.Forgotten, dryRun bool) error {
	m := forgetMessage{Type: "summary", DryRun: dryRun, Keep: []decisionInfo{}, Removed: []decisionInfo{}}
	var rows [][]string
	var reasons []string
	for _, d := range result.Decisions {
		snap := d.Snapshot
		info := decisionInfo{answer.NewSnapshot(snap), append([]string{}, d.Reasons...)}
		what := "remove"
		if d.Keep {
			m.Keep, what = append(m.Keep, info), "keep"
		} else {
			m.Removed = append(m.Removed, info)
		}
		rows = append(rows, []string{what, snap.ID.Short(), s.WhenTaken(snap), snap.Environment, snap.Database})
		reasons = append(reasons, strings.Join(d.Reasons, ", "))
	}
	if s.json {
		return s.printJSON(m)
	}
	if dryRun || s.flags.verbose {
		if err := s.tableWithReasons([]string{"Action", "ID", "Time", "Environment", "Database"}, rows, reasons); err != nil {
			return err
		}
	}
	verb := map[bool]string{true: "Dry run: would remove", false: "Removed"}[dryRun]
	s.Done("%s %s, %d left", verb, report.Plural(result.Removed, "snapshot"), result.Left)
	return nil
}

// widthOfReasons is what a terminal keeps free for the reasons before columns are left out.
const widthOfReasons = 24

// tableWithReasons writes a table with one more column, the last one, which is folded first on a
// narrow terminal.
func (s *opened) tableWithReasons(head []string, rows [][]string, reasons []string) error {
	head, rows = layout.Fit(head, rows, []string{"Database", "Environment"}, terminalWidth(s.stdout)-layout.Gap-widthOfReasons)
	for i := range rows {
		rows[i] = append(rows[i][:len(rows[i]):len(rows[i])], reasons[i])
	}
	return s.table(s.stdout, append(head, "Reasons"), rows)
}
