package cmd

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// forgetOptions are the flags of forget.
type forgetOptions struct {
	dryRun, prune bool
	keep          *keepFlags
	rules         *config.Keep  // that the flags make, nil for the configured ones
	simulate      string        // for how long; "" for not at all
	every         time.Duration // between two backups of a simulation
}

func newForget(c *cli) *cobra.Command {
	var o forgetOptions
	cmd := &cobra.Command{
		Use:     "forget [ENV] [--keep-...] | ID...",
		Short:   "Remove snapshots, by rules or by ID",
		GroupID: groupMain,
		Long: `Removes snapshots: those that no retention rule keeps, of one environment or of
all, or those that are named by their IDs. Their space is freed by a later prune.

The rules are those of the configuration, or, if there is any --keep flag, those of
the flags alone. They count for each environment and database apart. A snapshot
stays if any rule keeps it. Pinned ones, the newest, and the newest verified one
always stay; snapshots that a restore took of what it replaced stay for 30 days.`,
		Example: `  firn forget --dry-run
  firn forget production --keep-last 10 --keep-daily 7 --keep-monthly all --prune
  firn forget production --simulate 90d --every 12m
  firn forget 3f2a91c0`,
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("every") && o.simulate == "" {
				return outcome.Usage("Add --simulate 90d, for instance.", "--every is for --simulate alone: without it, snapshots are removed")
			}
			return c.forget(cmd.Context(), args, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.keep = newKeepFlags(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, say what would be removed, and why not")
	f.BoolVar(&o.prune, "prune", false, "then free the space")
	f.StringVar(&o.simulate, "simulate", "", "change nothing, show what there will be after this `time` of backups: 90d")
	addEvery(f, &o.every, "`time` between two of them")
	c.addJSONFlag(cmd)
	return cmd
}

// forgetMessage is the outcome in JSON.
type forgetMessage struct {
	Type    string         `json:"message_type"` // "summary"
	DryRun  bool           `json:"dry_run"`
	Keep    []decisionInfo `json:"keep"`
	Removed []decisionInfo `json:"removed"`
}

type decisionInfo struct {
	snapshotMessage
	Reasons []string `json:"reasons"`
}

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
	list, damage, err := s.SnapshotsOf(ctx, "")
	if err != nil {
		return err
	}
	if o.simulate != "" {
		return cmp.Or(s.simulate(list, args, o), damage)
	}
	groups, err := s.chooseForgotten(list, args, o)
	if err != nil {
		return err
	}
	var ids []snapshot.ID
	known := session.ByID(list)
	for _, d := range decisions(groups) {
		if !d.Keep {
			ids = append(ids, known[d.ID].ID)
		}
	}
	if !o.dryRun {
		if err := s.Repo.Forget(ctx, ids...); err != nil {
			return err
		}
	}
	s.warnClocks(list, groups)
	if err := s.tellForget(list, groups, o.dryRun); err != nil {
		return err
	}
	if o.prune && !o.dryRun {
		if err := s.prune(ctx, pruneOptions{within: true}); err != nil {
			return err
		}
	}
	return damage // it stops nothing: what cannot be read is neither counted nor removed
}

// warnClocks tells of snapshots that rules treat in a way which only a wrong clock explains.
func (s *opened) warnClocks(list []*snapshot.Snapshot, groups []repo.Group) {
	known := session.ByID(list)
	var ahead []*snapshot.Snapshot
	for _, g := range groups {
		for _, d := range g.Decisions {
			if snap := known[d.ID]; d.Ahead() && snap.Ahead(s.Now()) {
				ahead = append(ahead, snap)
			}
		}
		if early := retention.Early(g.Decisions); early != nil {
			snap := known[early.ID]
			s.warn(`snapshot %s of %s, %s, is years older than all others, and stays for good: it is the only one of its year. If a clock was wrong: "firn forget %s".`,
				snap.ID.Short(), snap.Environment, s.When(snap.Time), snap.ID.Short())
		}
	}
	s.WarnAhead(ahead)
}

func decisions(groups []repo.Group) []retention.Decision {
	var all []retention.Decision
	for _, g := range groups {
		all = append(all, g.Decisions...)
	}
	return all
}

// chooseForgotten decides by rules, unless snapshots are named.
func (s *opened) chooseForgotten(list []*snapshot.Snapshot, args []string, o forgetOptions) ([]repo.Group, error) {
	byRule, err := s.NamesEnvironment(list, args)
	if err != nil {
		return nil, err
	}
	if !byRule {
		if o.rules != nil {
			return nil, outcome.Usage(`Give an environment with rules, or IDs without.`, "%s is no environment", strings.Join(args, " "))
		}
		return forgetNamed(list, args)
	}
	if len(list) == 0 {
		_, err := s.Conf.Policy(first(args), o.rules) // a wrong policy is wrong on an empty repository, too
		return nil, err
	}
	if len(args) == 1 {
		list = session.Filter(list, snapshot.Filter{Environment: args[0]})
	}
	return decide(s.Conf, list, o.rules, s.Now())
}

// forgetNamed removes exactly the named snapshots.
func forgetNamed(list []*snapshot.Snapshot, refs []string) ([]repo.Group, error) {
	var g repo.Group
	for _, ref := range refs {
		s, err := session.FindByID(list, ref)
		if err != nil {
			return nil, err
		}
		d := retention.Decision{Item: retention.Item{ID: s.ID.String()}}
		if !slices.ContainsFunc(g.Decisions, func(other retention.Decision) bool { return other.ID == d.ID }) {
			g.Decisions = append(g.Decisions, d)
		}
	}
	return []repo.Group{g}, nil
}

func (s *opened) tellForget(list []*snapshot.Snapshot, groups []repo.Group, dryRun bool) error {
	m := forgetMessage{Type: "summary", DryRun: dryRun, Keep: []decisionInfo{}, Removed: []decisionInfo{}}
	var rows [][]string
	known := session.ByID(list)
	for _, d := range decisions(groups) {
		snap := known[d.ID]
		info := decisionInfo{newSnapshotMessage(snap), append([]string{}, d.Reasons...)}
		what := "remove"
		if d.Keep {
			m.Keep, what = append(m.Keep, info), "keep"
		} else {
			m.Removed = append(m.Removed, info)
		}
		rows = append(rows, []string{what, snap.ID.Short(), s.When(snap.Time), snap.Environment, snap.Database, strings.Join(d.Reasons, ", ")})
	}
	if s.json {
		return s.printJSON(m)
	}
	if dryRun || s.flags.verbose {
		head := []string{"Action", "ID", "Time", "Environment", "Database", "Reasons"}
		if err := s.table(s.stdout, head, rows); err != nil {
			return err
		}
	}
	verb := map[bool]string{true: "Dry run: would remove", false: "Removed"}[dryRun]
	s.Done("%s %s, %d left", verb, report.Plural(len(m.Removed), "snapshot"), len(list)-len(m.Removed))
	return nil
}
