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

// choresOf returns the chores of a watch that works with an open repository. The copy takes a key file in place of the configured key
// unless it is "".
func choresOf(s *session.Session, copyKeyFile string) []*chore {
	v := verifier{}
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
			return v.verifyOne(ctx, s.WithConfig(conf))
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

// verifier holds when a database was verified by this process. What is recorded of that goes with its snapshot, which may be
// forgotten an hour later.
type verifier map[snapshot.Series]time.Time

// verifyOne verifies the newest snapshot of the database of which that is due for the longest time, if any is.
func (v verifier) verifyOne(ctx context.Context, s *session.Session) (string, []string, error) {
	known, err := s.Catalog(ctx)
	if err != nil {
		return "", nil, err
	}
	snap := v.dueLongest(known, s.Now())
	if snap == nil {
		return "", nil, nil
	}
	of := []string{snap.Environment}
	found, err := verify.Snapshot(ctx, known, snap, verify.Options{})
	if found != nil {
		v[snap.Series()] = s.Now()
	}
	if err != nil || found == nil {
		return "", of, err
	}
	return fmt.Sprintf("snapshot %s of %s is sound", snap.ID.Short(), snap.Environment), of, nil
}

// dueLongest returns the newest snapshot of the configured database that is due to be verified for the longest time; nil if none is.
func (v verifier) dueLongest(known *session.Catalog, now time.Time) (longest *snapshot.Snapshot) {
	past, _ := snapshot.SplitAhead(session.OfBackups(known.All), now)
	since := now
	for series, history := range snapshot.BySeries(past) {
		env, err := known.Conf.Environment(series.Environment)
		if err != nil || env.DatabaseName != series.Database {
			continue
		}
		due := verify.Due(history, env.Verify != "", v[series], now)
		if due.Before(since) || longest != nil && due.Equal(since) && history[0].Environment < longest.Environment {
			since, longest = due, history[0]
		}
	}
	return longest
}

// freeSpace frees the space of a store that has no room left.
func freeSpace(ctx context.Context, s *session.Session) error {
	results, err := s.PruneFull(ctx, false)
	if err == nil && len(results) == 0 {
		err = errors.New("there is nothing to free")
	}
	return err
}
