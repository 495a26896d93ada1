package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/outcome"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// Choice says which snapshots a history is of.
type Choice struct {
	Environment string
	Database    string      // a name, if the environment has snapshots of several databases; "" for the only one
	Tags        tags.Filter // nil for all

	// Since and Until are moments as [session.Caller.ParseMoment] reads them, durations before now, such as 2d, or the beginnings of
	// IDs of snapshots. Both count. "" is no bound.
	Since, Until string
}

// Choose returns the snapshots of a choice, the newest first. With Since, the newest one before it is among them: it shows what was
// there at the beginning. Snapshots that restores took of their targets count: they may hold what no other one does. An environment
// without snapshots of a database, or with such of several, is an error. Records that cannot be read are damage, and no error.
func Choose(ctx context.Context, s *session.Session, c Choice) (list []*snapshot.Snapshot, damage, err error) {
	all, damage, err := s.SnapshotsOf(ctx, c.Environment)
	if err != nil {
		return nil, nil, err
	}
	list, err = c.Of(s.Caller, all)
	if errors.Is(err, snapshot.ErrNotFound) {
		err = cmp.Or(damage, err)
	}
	return list, damage, err
}

// Of is [Choose] among snapshots that were listed before. Bounds name no others.
func (c Choice) Of(caller *session.Caller, all []*snapshot.Snapshot) (list []*snapshot.Snapshot, err error) {
	list = session.WithoutStreams(session.Filter(all, snapshot.Filter{Environment: c.Environment, Database: c.Database, Tags: c.Tags}))
	if names := session.Databases(list); len(names) > 1 {
		return nil, outcome.Usage("--name names one of them.", "%s has snapshots of several databases: %s", c.Environment, strings.Join(names, ", "))
	}
	list, err = c.limit(caller, all, caller.Past(list))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: %w", c.Environment, snapshot.ErrNotFound)
	}
	return list, err
}

// limit leaves out the snapshots after Until and before Since, but for the newest of these.
func (c Choice) limit(caller *session.Caller, all, list []*snapshot.Snapshot) ([]*snapshot.Snapshot, error) {
	if c.Until != "" {
		until, err := bound(caller, all, c.Until)
		if err != nil {
			return nil, fmt.Errorf("--until: %w", err)
		}
		list = slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool { return s.Time.After(until) })
	}
	if c.Since != "" {
		since, err := bound(caller, all, c.Since)
		if err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
		if i := slices.IndexFunc(list, func(s *snapshot.Snapshot) bool { return s.Time.Before(since) }); i >= 0 {
			list = list[:i+1]
		}
	}
	return list, nil
}

// bound returns the time that a word means: a duration before now, a moment, or a snapshot of all.
func bound(caller *session.Caller, all []*snapshot.Snapshot, word string) (time.Time, error) {
	if ago, err := retention.ParseDuration(word); err == nil {
		return caller.Now().Add(-ago), nil
	}
	moment, err := caller.ParseMoment(word)
	if err == nil {
		return moment, nil
	}
	if session.IsID(word) {
		s, err := session.FindByID(all, word)
		if err != nil {
			return time.Time{}, err
		}
		return s.Time, nil
	}
	return time.Time{}, err
}
