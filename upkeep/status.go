// Package upkeep keeps a repository and its snapshots in order: retention and its simulation, status and statistics,
// checks and repairs, labels, keys, and the making of a repository.
package upkeep

import (
	"context"
	"slices"
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// StatusOptions say what a status is of. The zero value is for all environments.
type StatusOptions struct {
	Environment string        // "" for all
	MaxAge      time.Duration // up to which snapshots are fresh; 0 for what is configured
}

// Status tells whether backups are as they should be, and how much room there is.
type Status struct {
	States    []State
	Histories map[snapshot.Series][]*snapshot.Snapshot // the backups of each database, the newest first
	Usage     *repo.Usage
	Done      snapshot.Upkeep // when the repository was last pruned, checked and copied, as far as that is known
	Free      int64           // bytes on the disk of the repository; -1 if that is not known

	// Latency is how long a request to a repository on another host took; 0 for a folder, or if that is not known.
	Latency time.Duration

	Damage error // snapshots that cannot be read

	// Unlisted says which environments are missing in States: those of patterns whose folders cannot be listed or are suddenly
	// empty, and of files that give no environment.
	Unlisted []*config.ListError
}

// OK reports whether all databases that are judged are as they should be, and no pattern lacks an environment.
func (s *Status) OK() bool {
	return len(s.Unlisted) == 0 && !slices.ContainsFunc(s.States, func(st State) bool { return st.Judged && st.Condition != OK })
}

// Expected is [Status.OK] but for environments that have nothing yet.
func (s *Status) Expected() bool {
	return len(s.Unlisted) == 0 && !slices.ContainsFunc(s.States, func(st State) bool { return st.Judged && !st.NothingYet && st.Condition != OK })
}

// ReadStatus finds out how backups are. It changes nothing.
func ReadStatus(ctx context.Context, s *session.Session, o StatusOptions) (*Status, error) {
	all, damage, err := s.SnapshotsOf(ctx, o.Environment)
	if err != nil {
		return nil, err
	}
	return StatusOf(ctx, &session.Catalog{Session: s, All: all, Damage: damage}, o)
}

// StatusOf is [ReadStatus] of snapshots that are listed already.
func StatusOf(ctx context.Context, known *session.Catalog, o StatusOptions) (*Status, error) {
	s := known.Session
	usage, err := s.Repo.Usage(ctx)
	if err != nil {
		return nil, err
	}
	configured := s.Configured(o.Environment)
	st := &Status{Usage: usage, Free: -1, Damage: known.Damage}
	st.Histories = snapshot.BySeries(session.OfBackups(session.Filter(known.All, snapshot.Filter{Environment: o.Environment})))
	st.States = states(ctx, s, configured, st.Histories, o)
	st.Unlisted = append(configured.Errors, known.Emptied(configured)...)
	for i := range st.States {
		one := &st.States[i]
		one.NothingYet = o.Environment == "" && one.Snapshots == 0 && known.NothingYet(ctx, one.Environment)
	}
	readWatches(ctx, s, st.States)
	st.Done = snapshot.LastUpkeep(known.All).Later(snapshot.Upkeep{Pruned: usage.Pruned})
	if free, latency, known := s.Room(ctx); known {
		st.Free, st.Latency = free, latency
	}
	return st, nil
}
