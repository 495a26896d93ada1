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
		GroupID: groupMain,
		Long:    "Lists snapshots, of one environment or of all, the newest last.",
		Example: `  firn snapshots
  firn snapshots production --latest 5
  firn snapshots --tag db_app,nightly --tag pre-restore    # both of the first two, or the third`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			return c.listSnapshots(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.tags, "tag", nil, "only with these `tags`: a comma means and, a repeated flag or")
	cmd.Flags().BoolVar(&o.last, "last", false, "--latest 1")
	cmd.Flags().Bool("compact", false, "the list is compact")
	hide(cmd.Flags(), "last", "compact")
	cmd.Flags().IntVar(&o.latest, "latest", 0, "only the newest `n` of each environment and database")
	cmd.Flags().StringVar(&o.groupBy, "group-by", "", "in groups of the same `properties`: environment, database, host, tags, with commas between")
	complete(cmd, "group-by", "environment", "database", "host", "tags")
	c.addJSONFlag(cmd)
	return cmd
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // it exists: no error
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// completeEnvironment completes the names of configured environments.
func (c *cli) completeEnvironment(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	conf, err := c.program.LoadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return conf.Names(), cobra.ShellCompDirectiveNoFileComp
}

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
	slices.Reverse(list) // the newest last: on a terminal that is where one looks
	if len(grouping) > 0 && len(list) > 0 {
		return cmp.Or(s.printGroups(grouping.groups(list)), damage)
	}
	return cmp.Or(s.printSnapshots(list), damage)
}

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
	if len(session.Environments(list)) == 1 { // nobody has to tell them apart
		spare = append(spare, "Environment")
	}
	head, rows := layout.Fit(snapshotHead(), rows, spare, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

func snapshotHead() []string {
	return []string{"ID", "Time", "Environment", "Tags", "Size", "Added", "State"}
}

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

// shownTags leaves out the tag that repeats the environment.
func shownTags(s *snapshot.Snapshot) string {
	return fmt.Sprint(s.Tags.Remove(tags.Environment(s.Environment)))
}

// remark says what to know before one takes it, or removes it.
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

// verdict says in a few words how a snapshot was found.
func verdict(v *snapshot.Verification) string {
	switch {
	case v == nil:
		return ""
	case v.Sound() && v.Unchecked != "":
		return "sound in part"
	case v.Sound():
		return "sound"
	}
	return "FAILED"
}
