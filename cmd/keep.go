package cmd

import (
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// decide applies each environment's own policy to its snapshots.
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
