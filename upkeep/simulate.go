package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// ErrTooManyBackups is returned for a simulation of more than [MaxSimulated] backups.
var ErrTooManyBackups = errors.New("these are too many backups")

// MaxSimulated is how many backups are simulated at most: more would fill the memory, and tell nothing new.
const MaxSimulated = 200_000

// SimulateOptions say what is simulated.
type SimulateOptions struct {
	Environment string        // "" for all
	Keep        *config.Keep  // rules in place of the configured ones; nil for these
	Span        time.Duration // of time to come
	Every       time.Duration // between two backups
}

// Simulation is what there will be after some time of backups with retention.
type Simulation struct {
	End    time.Time // of the time to come
	Keep   []Simulated
	Damage error // snapshots that cannot be read, and do not count
}

// Simulated is a snapshot that there will be.
type Simulated struct {
	Decision
	ToCome bool // it is not there yet, and has no ID that counts
}

// Simulate returns the snapshots that there will be. Nothing is changed.
//
// It decides once about all snapshots. To decide after each backup gives the same: a snapshot that stays at the end was the
// newest of its period, and not too old, all the time.
func Simulate(ctx context.Context, s *session.Session, o SimulateOptions) (*Simulation, error) {
	if o.Every <= 0 || o.Every > o.Span {
		return nil, outcome.Usage("", "a backup every %s: not a time between two backups in %s", retention.FormatDuration(o.Every), retention.FormatDuration(o.Span))
	}
	list, damage, err := s.SnapshotsOf(ctx, o.Environment)
	if err != nil {
		return nil, err
	}
	if o.Environment != "" {
		list = session.Filter(list, snapshot.Filter{Environment: o.Environment})
	}
	all := session.BackedUp(snapshot.BySeries(list), s.Configured(o.Environment).Environments)
	if int64(len(all)) > MaxSimulated/int64(o.Span/o.Every) {
		return nil, fmt.Errorf("simulate backups of %s: %w", retention.FormatDuration(o.Span), ErrTooManyBackups)
	}
	_, ahead := snapshot.SplitAhead(list, s.Now())
	s.WarnAhead(ahead)
	m := &Simulation{End: s.Now().Add(o.Span), Damage: damage}
	future := backUp(all, m.End, o)
	decisions, err := Decide(RulesOf(ctx, s, o.Keep), slices.Concat(list, future), m.End)
	if err != nil {
		return nil, err
	}
	toCome := session.ByID(future)
	for _, d := range decisions {
		if d.Keep {
			m.Keep = append(m.Keep, Simulated{d, toCome[d.Snapshot.ID.String()] != nil})
		}
	}
	return m, nil
}

// backUp returns the snapshots to come.
func backUp(all []snapshot.Series, end time.Time, o SimulateOptions) (future []*snapshot.Snapshot) {
	for _, series := range all {
		for at := o.Every; at <= o.Span; at += o.Every {
			future = append(future, &snapshot.Snapshot{
				ID: snapshot.NewID(), Environment: series.Environment, Database: series.Database, Time: end.Add(at - o.Span),
			})
		}
	}
	return future
}
