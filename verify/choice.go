package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"firn/outcome"
	"firn/session"
	"firn/snapshot"
)

// Choice says which snapshots are to be verified: the newest of each environment that is named, or of all, or one
// snapshot.
type Choice struct {
	Environments []string
	All          bool   // environments: those that have a table, and those that have snapshots
	Snapshot     string // a reference as [session.Catalog.Find] takes it; of the first of the environments if any is named
}

// Job is a snapshot to verify, or the reason why an environment has none.
type Job struct {
	Snapshot *snapshot.Snapshot
	Err      error // of this job alone; the others can be done

	NothingYet string // the environment, if it is one of all and has nothing yet: see [session.Catalog.NothingYet]
}

// Choose finds the snapshots of a choice, in the order of the environments' names for all of them, else in the order in
// which the environments are named. An unknown name is an error of the whole choice.
func Choose(ctx context.Context, known *session.Catalog, c Choice) ([]Job, error) {
	names := c.Environments
	if c.All {
		all := session.Environments(known.All)
		names = slices.Compact(slices.Sorted(slices.Values(append(all, slices.Collect(maps.Keys(known.Conf.Env))...))))
	}
	for _, name := range names {
		if err := known.KnownEnvironment(known.All, name); err != nil {
			return nil, cmp.Or(known.Surely(nil, "verify "+name, session.AnyTime), err)
		}
	}
	if c.Snapshot != "" {
		environment := ""
		if len(names) > 0 {
			environment = names[0]
		}
		snap, err := known.Find(session.Filter(known.All, snapshot.Filter{Environment: environment}), c.Snapshot, false)
		return []Job{{Snapshot: snap}}, err
	}
	var jobs []Job
	for _, name := range names {
		own := newest(known, name)
		if c.All && known.NothingYet(ctx, name) {
			own[0].NothingYet = name
		}
		jobs = append(jobs, own...)
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("verify: %w", snapshot.ErrNotFound)
	}
	return jobs, nil
}

// newest returns the newest snapshots that backups took of an environment: of the
// configured database, or else of each that there is.
func newest(known *session.Catalog, name string) []Job {
	own := session.OfBackups(session.Filter(known.All, snapshot.Filter{Environment: name}))
	if env := known.Conf.Lookup(name); env != nil {
		if same := session.Filter(own, snapshot.Filter{Database: env.DatabaseName}); len(same) > 0 {
			own = same
		}
	}
	if len(own) == 0 {
		if err := known.Surely(nil, "verify "+name, session.AnyTime); err != nil {
			return []Job{{Err: err}}
		}
		return []Job{{Err: outcome.Failed(fmt.Sprintf(`Take one: "firn backup %s".`, name), "verify %s: %w", name, snapshot.ErrNotFound)}}
	}
	var jobs []Job
	for _, snap := range session.Newest(known.Past(own), 1) {
		jobs = append(jobs, Job{Snapshot: snap, Err: known.Surely(snap, "verify "+name, session.AnyTime)})
	}
	return jobs
}
