package upkeep

import (
	"context"
	"time"

	"firn/config"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// Decision says what the rules of retention do with a snapshot.
type Decision struct {
	Snapshot *snapshot.Snapshot
	Keep     bool
	Reasons  []string // the rules that keep it, as [retention.Decision] names them; none if it goes
}

// Rules are the rules of retention that decisions are made by.
type Rules struct {
	Conf    *config.Config
	Given   *config.Keep    // in place of the configured ones; nil for these
	Watched map[string]bool // the environments that are watched: their configured rules are those of a watch
}

// policyOf returns the policy of an environment.
func (r Rules) policyOf(name string) (retention.Policy, error) {
	if r.Given == nil && r.Watched[name] {
		return r.Conf.WatchPolicyOf(&config.Environment{Name: name})
	}
	return r.Conf.Policy(name, r.Given)
}

// Decide applies each environment's own policy to its snapshots in a list. Nothing is changed. The decisions come in the order
// of environments and databases, the newest snapshot first.
func Decide(rules Rules, list []*snapshot.Snapshot, now time.Time) ([]Decision, error) {
	groups, err := decide(rules, list, now)
	return flatten(list, groups), err
}

// decide is [Decide] for callers that need each environment and database apart.
func decide(rules Rules, list []*snapshot.Snapshot, now time.Time) ([]repo.Group, error) {
	var groups []repo.Group
	for _, name := range session.Environments(list) {
		p, err := rules.policyOf(name)
		if err != nil {
			return nil, err
		}
		own := session.Filter(list, snapshot.Filter{Environment: name})
		groups = append(groups, repo.Decide(own, p, now)...)
	}
	return groups, nil
}

// RulesOf returns the rules that hold for the snapshots of a repository now, or those that are given.
func RulesOf(ctx context.Context, s *session.Session, given *config.Keep) Rules {
	return Rules{s.Conf, given, s.Watched(ctx)}
}

// flatten returns the decisions of all groups, which are made of the snapshots of a list.
func flatten(list []*snapshot.Snapshot, groups []repo.Group) []Decision {
	var all []Decision
	known := session.ByID(list)
	for _, g := range groups {
		for _, d := range g.Decisions {
			all = append(all, Decision{known[d.ID], d.Keep, d.Reasons})
		}
	}
	return all
}
