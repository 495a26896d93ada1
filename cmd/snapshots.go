package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
}

func newSnapshots(c *cli) *cobra.Command {
	var o snapshotsOptions
	cmd := &cobra.Command{
		Use:     "snapshots [ENV]",
		Aliases: []string{"list"},
		Short:   "List snapshots",
		Long:    "Lists snapshots, of one environment or of all, the newest last.",
		Example: `  firn snapshots
  firn snapshots production --latest 5
  firn snapshots --tag db_app,nightly --tag pre-restore`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			return c.listSnapshots(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.tags, "tag", nil, "with these `tags`: a,b for both, --tag again for either")
	cmd.Flags().BoolVar(&o.last, "last", false, "--latest 1")
	cmd.Flags().Bool("compact", false, "the list is compact")
	hide(cmd.Flags(), "last", "compact")
	cmd.Flags().IntVar(&o.latest, "latest", 0, "only the newest `n` of each environment and database")
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
	grouping, err := parseGrouping(o.groupBy)
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
	list := session.Filter(all, snapshot.Filter{Environment: o.environment, Tags: byTag})
	if o.latest > 0 {
		list = session.Newest(s.Past(list), o.latest)
	}
	slices.Reverse(list) // the newest is last, where a person looks on a terminal
	if len(grouping) > 0 && len(list) > 0 {
		return cmp.Or(s.printGroups(grouping.groups(list)), damage)
	}
	return cmp.Or(s.printSnapshots(list), damage)
}

// printSnapshots prints snapshots as a table or in JSON.
func (s *opened) printSnapshots(list []*snapshot.Snapshot) error {
	if s.json {
		messages := make([]snapshotMessage, 0, len(list))
		for _, snap := range list {
			messages = append(messages, newSnapshotMessage(snap))
		}
		return s.printJSON(messages)
	}
	if len(list) == 0 {
		s.note("No snapshots.")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, snap := range list {
		rows = append(rows, s.snapshotRow(snap))
	}
	spare := []string{"Added", "Tags", "Size"}
	if len(session.Environments(list)) == 1 { // the column has the same name in all rows
		spare = append(spare, "Environment")
	}
	head, rows := layout.Fit(snapshotHead(), rows, spare, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

// snapshotHead returns the head of the table of snapshots.
func snapshotHead() []string {
	return []string{"ID", "Time", "Environment", "Tags", "Size", "Added", "State"}
}

// snapshotRow returns the cells of a snapshot.
func (c *cli) snapshotRow(s *snapshot.Snapshot) []string {
	added := report.Size(s.Added)
	if s.Unchanged {
		added = "unchanged"
	}
	return []string{
		s.ID.Short(), c.program.When(s.Time), s.Environment,
		shownTags(s),
		report.Size(s.Image().Size), added, c.remark(s),
	}
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
	if v := verdict(s.Verified); v != "" {
		parts = append(parts, v)
	}
	return strings.Join(parts, ", ")
}

// verdict returns the outcome of a verification in a few words, "" for none.
func verdict(v *snapshot.Verification) string {
	switch {
	case v == nil:
		return ""
	case v.Sound() && v.Unchecked != "":
		return "sound in part"
	case v.Sound():
		return "sound"
	}
	return "UNSOUND"
}
