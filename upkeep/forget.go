package upkeep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// ForgetOptions say which snapshots are removed. The zero value applies the configured rules to all environments.
type ForgetOptions struct {
	Names  []string     // one environment for the rules, or IDs of snapshots, which no rule keeps then; none for all environments
	Keep   *config.Keep // rules in place of the configured ones; nil for these
	DryRun bool         // change nothing
}

// Forgotten says what was removed, or would be.
type Forgotten struct {
	Decisions []Decision // on each snapshot that was looked at
	Removed   int
	Left      int   // of all snapshots of the repository
	Damage    error // snapshots that cannot be read: they are neither counted nor removed
}

// Forget removes the snapshots that no rule keeps, or those that are named by their IDs. Their space is freed by a later
// prune. It warns of snapshots that a wrong clock has probably dated.
func Forget(ctx context.Context, s *session.Session, o ForgetOptions) (*Forgotten, error) {
	list, damage, err := s.SnapshotsOf(ctx, "")
	if err != nil {
		return nil, err
	}
	groups, err := chooseForgotten(ctx, s, list, o)
	if err != nil {
		return nil, err
	}
	result := &Forgotten{Decisions: flatten(list, groups), Damage: damage}
	var ids []snapshot.ID
	for _, d := range result.Decisions {
		if !d.Keep {
			ids = append(ids, d.Snapshot.ID)
		}
	}
	if !o.DryRun {
		if err := s.Repo.Forget(ctx, ids...); err != nil {
			return nil, err
		}
	}
	warnClocks(s, list, groups)
	result.Removed, result.Left = len(ids), len(list)-len(ids)
	return result, nil
}

// warnClocks warns of snapshots whose times only a wrong clock explains.
func warnClocks(s *session.Session, list []*snapshot.Snapshot, groups []repo.Group) {
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
			s.Warn(`snapshot %s of %s, %s, is years older than all others, and stays for good: it is the only one of its year. If a clock was wrong: "firn forget %s".`,
				snap.ID.Short(), snap.Environment, s.WhenTaken(snap), snap.ID.Short())
		}
	}
	s.WarnAhead(ahead)
}

// chooseForgotten decides by rules, unless snapshots are named.
func chooseForgotten(ctx context.Context, s *session.Session, list []*snapshot.Snapshot, o ForgetOptions) ([]repo.Group, error) {
	byRule, err := s.NamesEnvironment(list, o.Names)
	if err != nil {
		return nil, err
	}
	if !byRule {
		if o.Keep != nil {
			return nil, outcome.Usage(`Give an environment with rules, or IDs without.`, "%s is no environment", strings.Join(o.Names, " "))
		}
		return chooseNamed(list, o.Names, s.Zone)
	}
	environment := ""
	if len(o.Names) == 1 {
		environment = o.Names[0]
	}
	if len(list) == 0 {
		_, err := s.Conf.Policy(environment, o.Keep) // a wrong policy is wrong on an empty repository, too
		return nil, err
	}
	if environment != "" {
		list = session.Filter(list, snapshot.Filter{Environment: environment})
	}
	return decide(RulesOf(ctx, s, o.Keep), list, s.Now())
}

// chooseNamed decides against exactly the named snapshots.
func chooseNamed(list []*snapshot.Snapshot, refs []string, zone *time.Location) ([]repo.Group, error) {
	var g repo.Group
	for _, ref := range refs {
		s, err := session.FindByID(list, ref)
		if err != nil {
			if meant, e := snapshot.Find(list, ref, zone); e == nil {
				return nil, outcome.Failed(fmt.Sprintf("That is %s of %s: firn forget %s.", meant.ID.Short(), meant.Environment, meant.ID.Short()),
					"%s: snapshots to remove are named by their IDs", ref)
			}
			if slices.Contains(session.Environments(list), ref) {
				return nil, outcome.Failed("Name one environment alone, or snapshots by their IDs.", "%s is an environment, and not alone", ref)
			}
			return nil, err
		}
		d := retention.Decision{Item: retention.Item{ID: s.ID.String()}}
		if !slices.ContainsFunc(g.Decisions, func(other retention.Decision) bool { return other.ID == d.ID }) {
			g.Decisions = append(g.Decisions, d)
		}
	}
	return []repo.Group{g}, nil
}
