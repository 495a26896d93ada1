package upkeep

import (
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// Decision says what the rules of retention do with a snapshot.
type Decision struct {
	Snapshot *snapshot.Snapshot
	Keep     bool
	Reasons  []string // the rules that keep it, as [retention.Decision] names them; none if it goes
}

// Decide applies each environment's own policy to its snapshots in a list: the given rules, or without any, nil, the
// configured ones. Nothing is changed. The decisions come in the order of environments and databases, the newest snapshot
// first.
func Decide(conf *config.Config, list []*snapshot.Snapshot, given *config.Keep, now time.Time) ([]Decision, error) {
	groups, err := decide(conf, list, given, now)
	return flatten(list, groups), err
}

// decide is [Decide] for callers that need each environment and database apart.
func decide(conf *config.Config, list []*snapshot.Snapshot, given *config.Keep, now time.Time) ([]repo.Group, error) {
	var groups []repo.Group
	for _, name := range session.Environments(list) {
		p, err := conf.Policy(name, given)
		if err != nil {
			return nil, err
		}
		own := session.Filter(list, snapshot.Filter{Environment: name})
		groups = append(groups, repo.Decide(own, p, now)...)
	}
	return groups, nil
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
