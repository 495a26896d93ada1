package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"firn/config"
	"firn/replicate"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/verify"
)

// verifyAge is the age from which the last verification of a database is old.
const verifyAge = 7 * 24 * time.Hour

// choresOf returns the chores of a watch that works with an open repository. The copy takes a key file in place of the configured key
// unless it is "".
func choresOf(s *session.Session, copyKeyFile string) []*chore {
	return []*chore{
		{name: "prune", pause: prunePause, run: func(ctx context.Context, conf *config.Config) (string, []string, error) {
			done, err := prune(ctx, s.WithConfig(conf))
			return done, nil, err
		}},
		{name: "copy", pause: copyPause, run: func(ctx context.Context, conf *config.Config) (string, []string, error) {
			done, err := replica(ctx, s.WithConfig(conf), copyKeyFile)
			return done, nil, err
		}},
		{name: "verify", pause: verifyPause, idle: verifyIdle, run: func(ctx context.Context, conf *config.Config) (string, []string, error) {
			return verifyOne(ctx, s.WithConfig(conf))
		}},
	}
}

// prune frees space if that is due, here, too: what killed runs have left.
func prune(ctx context.Context, s *session.Session) (string, error) {
	s.SweepPlaces(ctx)
	s.Sweep(os.TempDir(), session.SweepIdle)
	result, err := s.PruneIfDue(ctx, pruneEvery, false)
	if err != nil || result == nil {
		return "", err
	}
	return "done, " + report.Plural(result.Condemned, "pack") + " to be deleted", nil
}

// replica copies snapshots to the configured repository, if there is one.
func replica(ctx context.Context, s *session.Session, keyFile string) (string, error) {
	if s.Conf.Copy.Repository == "" {
		return "", nil
	}
	to, err := replicate.OpenTarget(ctx, s, replicate.Target{Key: config.KeySource{Origin: "the flags", KeyFile: keyFile}})
	if err != nil {
		return "", err
	}
	defer to.Close()
	result, err := replicate.Copy(ctx, s, to, replicate.Options{Prune: true})
	if result == nil {
		return "", err
	}
	return fmt.Sprintf("%s to %s, %s added", report.Plural(len(result.Copied), "snapshot"), to.Place, report.Size(result.Added)), err
}

// verifyOne verifies the newest snapshot of the database that was verified longest ago, if that is a week ago or was never.
func verifyOne(ctx context.Context, s *session.Session) (string, []string, error) {
	known, err := s.Catalog(ctx)
	if err != nil {
		return "", nil, err
	}
	snap := longestAgo(known, s.Now())
	if snap == nil {
		return "", nil, nil
	}
	of := []string{snap.Environment}
	found, err := verify.Snapshot(ctx, known, snap, verify.Options{})
	if err != nil || found == nil {
		return "", of, err
	}
	return fmt.Sprintf("snapshot %s of %s is sound", snap.ID.Short(), snap.Environment), of, nil
}

// longestAgo returns the newest snapshot of the configured database whose last verification is the oldest; nil if none is old.
func longestAgo(known *session.Catalog, now time.Time) (oldest *snapshot.Snapshot) {
	past, _ := snapshot.SplitAhead(session.OfBackups(known.All), now)
	at := now.Add(-verifyAge)
	for series, history := range snapshot.BySeries(past) {
		env, err := known.Conf.Environment(series.Environment)
		if err != nil || env.DatabaseName != series.Database {
			continue
		}
		if last := lastVerified(history); last.Before(at) || oldest != nil && last.Equal(at) && history[0].Environment < oldest.Environment {
			at, oldest = last, history[0]
		}
	}
	return oldest
}

// lastVerified returns when a snapshot of a history was verified last; zero for never.
func lastVerified(history []*snapshot.Snapshot) (last time.Time) {
	for _, snap := range history {
		if snap.Verified != nil && snap.Verified.Time.After(last) {
			last = snap.Verified.Time
		}
	}
	return last
}

// freeSpace frees the space of a store that has no room left.
func freeSpace(ctx context.Context, s *session.Session) error {
	results, err := s.PruneFull(ctx, false)
	if err == nil && len(results) == 0 {
		err = errors.New("there is nothing to free")
	}
	return err
}
