package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// snapshotsOptions are the flags of snapshots.
type snapshotsOptions struct {
	environment string
	tags        []string
	latest      int
	last        bool // latest is 1
	groupBy     string
	at          string // the moment for which snapshots are listed; "" for all times
	all         bool   // none are folded
}

func newSnapshots(c *cli) *cobra.Command {
	var o snapshotsOptions
	cmd := &cobra.Command{
		Use:     "snapshots [ENV]",
		Aliases: []string{"list"},
		Short:   "List snapshots",
		Long: `Lists snapshots, of one environment or of all, the newest last.

Three or more snapshots that a watch took within an hour of today, or a day before, make
one line: "x 340" is their number, and --at with a time of the line names one. The newest
snapshot and those that are pinned, tagged, verified or suspect have lines of their own.`,
		Example: `  firn snapshots
  firn snapshots production --latest 5
  firn snapshots --at 2026-11-21T14:03:07
  firn snapshots --tag db_app,nightly --tag pre-restore`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			if cmd.Flags().Changed("at") {
				if err := c.checkMoments(cmd, o.at); err != nil {
					return err
				}
			}
			return c.listSnapshots(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.tags, "tag", nil, "with these `tags`: a,b for both, --tag again for either")
	cmd.Flags().BoolVar(&o.last, "last", false, "--latest 1")
	cmd.Flags().Bool("compact", false, "the list is compact")
	hide(cmd.Flags(), "last", "compact")
	cmd.Flags().IntVar(&o.latest, "latest", 0, "only the newest `n` of each environment and database")
	cmd.Flags().StringVar(&o.at, "at", "", momentUsage)
	_ = cmd.RegisterFlagCompletionFunc("at", c.completeMoment) // it exists: no error
	cmd.Flags().BoolVar(&o.all, "all", false, "fold none: a line for each snapshot")
	cmd.Flags().StringVar(&o.groupBy, "group-by", "", "group by `properties`: environment, database, host, tags")
	complete(cmd, "group-by", "environment", "database", "host", "tags")
	c.addJSONFlag(cmd)
	return cmd
}

// complete lets the shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists: no error
}

// first returns the first argument, "" for none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// completeEnvironment completes the names of configured environments. A folder that cannot be listed adds none.
func (c *cli) completeEnvironment(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	conf, err := c.program.LoadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return conf.All().Names(), cobra.ShellCompDirectiveNoFileComp
}

// listSnapshots runs the command.
func (c *cli) listSnapshots(ctx context.Context, o snapshotsOptions) error {
	byTag, err := tags.ParseFilter(o.tags)
	if err != nil {
		return err
	}
	grouping, err := session.ParseGrouping(o.groupBy)
	if err != nil {
		return err
	}
	if o.last {
		o.latest = 1
	}
	if o.latest < 0 {
		return outcome.Usage("", "--latest %d: not a number of snapshots", o.latest)
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	all, damage, err := s.SnapshotsOf(ctx, o.environment)
	if err != nil {
		return err
	}
	list, err := s.chooseSnapshots(all, snapshot.Filter{Environment: o.environment, Tags: byTag}, o)
	if err != nil {
		return cmp.Or(damage, err)
	}
	slices.Reverse(list) // the newest is last, where a person looks on a terminal
	if len(grouping) > 0 && len(list) > 0 {
		return cmp.Or(s.printGroups(grouping.Groups(list), o.all), damage)
	}
	return cmp.Or(s.printSnapshots(list, o.all), damage)
}

// chooseSnapshots returns the snapshots that the flags ask for, the newest first.
func (s *opened) chooseSnapshots(all []*snapshot.Snapshot, f snapshot.Filter, o snapshotsOptions) ([]*snapshot.Snapshot, error) {
	if o.at != "" {
		moment, err := s.ParseMoment(o.at)
		if err != nil {
			return nil, err
		}
		return s.NewestAt(all, f, moment, max(o.latest, 1))
	}
	list := session.Filter(all, f)
	if o.latest > 0 {
		list = session.Newest(s.Past(list), o.latest)
	}
	return list, nil
}

// printSnapshots prints snapshots, the newest last, as a table or in JSON. The table has a line for each or folds rounds.
func (s *opened) printSnapshots(list []*snapshot.Snapshot, each bool) error {
	if s.json {
		return s.printJSON(answer.NewSnapshots(list))
	}
	if len(list) == 0 {
		s.note("No snapshots.")
		return nil
	}
	width := terminalWidth(s.stdout)
	head, rows, folded := s.snapshotTable(list, each, width)
	if err := s.table(s.stdout, head, rows); err != nil || folded == 0 {
		return err
	}
	_, err := fmt.Fprintln(s.stdout, layout.Sentence(fmt.Sprintf("%d snapshots are folded: --all shows each, --at TIME names one.", folded), width))
	return err
}

// snapshotTable returns a table of snapshots that fits a width if it can, and how many of them are folded.
func (c *cli) snapshotTable(list []*snapshot.Snapshot, each bool, width int) (head []string, rows [][]string, folded int) {
	folds := snapshot.FoldRounds(list, c.program.Now(), c.program.Zone)
	if each {
		folds = snapshot.Unfolded(list)
	}
	for _, f := range folds {
		rows = append(rows, c.snapshotRow(f))
		if len(f) > 1 {
			folded += len(f)
		}
	}
	spare := []string{"Added", "Tags", "Size"}
	if folded > 0 {
		spare = []string{"Tags", "Size", "Added"} // a fold is there to tell how much was added
	}
	if len(session.Environments(list)) == 1 { // the column has the same name in all rows
		spare = append(spare, "Environment")
	}
	head, rows = layout.Fit(snapshotHead(), rows, spare, width)
	return head, rows, folded
}

// snapshotHead returns the head of the table of snapshots.
func snapshotHead() []string {
	return []string{"ID", "Time", "Environment", "Tags", "Size", "Added", "State"}
}

// snapshotRow returns the cells of a snapshot, or of several: there the first cell is the flag that names one of them by its time. All
// cells are short, so that a terminal of 40 columns does not tear a date.
func (c *cli) snapshotRow(f snapshot.Fold) []string {
	s := f.Newest()
	id, when, added, state := s.ID.Short(), c.program.WhenTaken(s), report.Size(f.Added()), c.remark(s)
	switch {
	case len(f) > 1:
		id, when, state = "--at", c.program.WhenFolded(f), fmt.Sprintf("x %d", len(f))
	case s.Unchanged:
		added = "unchanged"
	}
	return []string{id, when, s.Environment, shownTags(s), report.Size(s.Image().Size), added, state}
}

// shownTags returns the tags of a snapshot without the one that repeats the environment.
func shownTags(s *snapshot.Snapshot) string {
	return fmt.Sprint(s.Tags.Remove(tags.Environment(s.Environment)))
}

// remark returns the facts that matter before a person restores or removes a snapshot.
func (c *cli) remark(s *snapshot.Snapshot) string {
	var parts []string
	if s.Ahead(c.program.Now()) {
		parts = append(parts, "FUTURE")
	}
	if len(s.Suspect) > 0 {
		parts = append(parts, "SUSPECT")
	}
	if s.Pinned {
		parts = append(parts, "pinned")
	}
	if v := verdict(s); v != "" {
		parts = append(parts, v)
	}
	return strings.Join(parts, ", ")
}

// verdict returns the outcome of a verification in a few words, "" for none. That a snapshot was proven to be sound when it was
// taken is so usual that a list does not repeat it for each.
func verdict(s *snapshot.Snapshot) string {
	v := s.Verified
	switch {
	case v == nil || v == s.Proof && v.Sound():
		return ""
	case v.Sound() && len(v.Unchecked) > 0:
		return "sound in part"
	case v.Sound():
		return "sound"
	}
	return "UNSOUND"
}
