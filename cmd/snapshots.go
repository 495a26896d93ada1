package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/snapshot"
	"firn/tags"
)

// snapshotsOptions are the flags of snapshots.
type snapshotsOptions struct {
	environment string
	tags        []string
	latest      int
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
	conf, err := c.program.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return conf.names(), cobra.ShellCompDirectiveNoFileComp
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
	if o.latest < 0 {
		return usage("", "--latest %d: not a number of snapshots", o.latest)
	}
	s, err := c.open(ctx, openOptions{})
	if err != nil {
		return err
	}
	defer s.close()
	all, damage, err := s.snapshotsOf(ctx, o.environment)
	if err != nil {
		return err
	}
	list := filter(all, snapshot.Filter{Environment: o.environment, Tags: byTag})
	if o.latest > 0 {
		list = newest(s.past(list), o.latest)
	}
	slices.Reverse(list) // the newest last: on a terminal that is where one looks
	if len(grouping) > 0 && len(list) > 0 {
		return cmp.Or(s.printGroups(grouping.groups(list)), damage)
	}
	return cmp.Or(s.printSnapshots(list), damage)
}

// snapshotsOf returns all snapshots, unless nobody knows the environment that is to be
// chosen of them, "" for all. What cannot be read is damage, and stops nothing.
func (s *session) snapshotsOf(ctx context.Context, environment string) (all []*snapshot.Snapshot, damage, err error) {
	all, damage = s.repo.Snapshots(ctx)
	if all == nil && damage != nil {
		return nil, nil, damage
	}
	return all, damage, s.knownEnvironment(all, environment)
}

// knownEnvironment reports a name that is neither configured nor in the repository.
func (s *session) knownEnvironment(list []*snapshot.Snapshot, name string) error {
	if name == "" || s.conf.Env[name] != nil {
		return nil
	}
	known := environments(list)
	if slices.Contains(known, name) {
		return nil
	}
	return failed("There are snapshots of: "+cmp.Or(strings.Join(known, ", "), "none")+".",
		"environment %q: %w", name, snapshot.ErrNotFound)
}

// environments returns the names of the environments that have snapshots, sorted.
func environments(list []*snapshot.Snapshot) []string {
	var names []string
	for _, s := range list {
		names = append(names, s.Environment)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// filter returns what matches, in a new slice.
func filter(list []*snapshot.Snapshot, f snapshot.Filter) []*snapshot.Snapshot {
	var matching []*snapshot.Snapshot
	for _, s := range list {
		if f.Match(s) {
			matching = append(matching, s)
		}
	}
	return matching
}

// newest returns the first n of each environment and database.
func newest(list []*snapshot.Snapshot, n int) []*snapshot.Snapshot {
	seen := make(map[snapshot.Series]int)
	return slices.DeleteFunc(list, func(s *snapshot.Snapshot) bool {
		seen[s.Series()]++
		return seen[s.Series()] > n
	})
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
	if len(environments(list)) == 1 { // nobody has to tell them apart
		spare = append(spare, "Environment")
	}
	head, rows := fit(snapshotHead(), rows, spare, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

func snapshotHead() []string {
	return []string{"ID", "Time", "Environment", "Tags", "Size", "Added", "State"}
}

func (c *cli) snapshotRow(s *snapshot.Snapshot) []string {
	added := size(s.Added)
	if s.Unchanged {
		added = "unchanged"
	}
	return []string{
		s.ID.Short(), c.program.when(s.Time), s.Environment,
		shownTags(s),
		size(s.Image().Size), added, c.remark(s),
	}
}

// shownTags leaves out the tag that repeats the environment.
func shownTags(s *snapshot.Snapshot) string {
	return fmt.Sprint(s.Tags.Remove(tags.Environment(s.Environment)))
}

// remark says what to know before one takes it, or removes it.
func (c *cli) remark(s *snapshot.Snapshot) string {
	var parts []string
	if s.Ahead(c.program.now()) {
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
