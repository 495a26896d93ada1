package upkeep

import (
	"context"
	"maps"
	"slices"

	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// Statistics say what the snapshots of a repository take.
type Statistics struct {
	Snapshots int
	Logical   int64   // bytes of the images of all snapshots
	Needed    int64   // bytes that they take as stored
	Size      int64   // bytes of the repository, with what no snapshot needs
	Ratio     float64 // of logical and needed; 0 without snapshots
	Databases []DatabaseStatistics
	Shares    []Share // of the snapshots of one environment, newest first, if one was asked for
	Damage    error   // snapshots that cannot be read
}

// DatabaseStatistics are those of one environment's database.
type DatabaseStatistics struct {
	snapshot.Series
	Snapshots   int
	Logical     int64
	Size        int64                // of the newest snapshot
	Alone       int64                // bytes that no other database needs
	SizePerDay  int64                // by how much the database grows
	AddedPerDay int64                // by how much the repository grows for it
	History     []*snapshot.Snapshot // newest first, without what restores have put aside
}

// Share is what one snapshot takes.
type Share struct {
	Snapshot *snapshot.Snapshot
	Alone    int64 // bytes that no other snapshot needs: forgetting it would free them
}

// ReadStatistics finds out what snapshots take. With an environment, Databases has its databases alone, and Shares its
// snapshots.
func ReadStatistics(ctx context.Context, s *session.Session, environment string) (*Statistics, error) {
	all, damage, err := s.SnapshotsOf(ctx, environment)
	if err != nil {
		return nil, err
	}
	shares, err := s.Repo.Shares(ctx, all)
	if err != nil {
		return nil, err
	}
	usage, err := s.Repo.Usage(ctx)
	if err != nil {
		return nil, err
	}
	m := newStatistics(all, shares)
	m.Size, m.Damage = usage.Size, damage
	if environment != "" {
		m.narrow(all, shares, environment)
	}
	return m, nil
}

func newStatistics(all []*snapshot.Snapshot, shares *repo.Shares) *Statistics {
	m := &Statistics{Snapshots: len(all), Needed: shares.Needed}
	histories := snapshot.BySeries(all)
	for _, series := range slices.SortedFunc(maps.Keys(histories), snapshot.Series.Compare) {
		own := histories[series]
		d := DatabaseStatistics{
			Series: series, Snapshots: len(own), Size: own[0].Image().Size, Alone: shares.Series[series], History: session.OfBackups(own),
		}
		for _, s := range own {
			d.Logical += s.Image().Size
		}
		m.Logical += d.Logical
		d.SizePerDay, d.AddedPerDay = trend(d.History)
		m.Databases = append(m.Databases, d)
	}
	if m.Needed > 0 {
		m.Ratio = float64(m.Logical) / float64(m.Needed)
	}
	return m
}

// narrow leaves one environment, and adds its snapshots.
func (m *Statistics) narrow(all []*snapshot.Snapshot, shares *repo.Shares, environment string) {
	m.Databases = slices.DeleteFunc(m.Databases, func(d DatabaseStatistics) bool { return d.Environment != environment })
	for _, s := range session.Filter(all, snapshot.Filter{Environment: environment}) {
		m.Shares = append(m.Shares, Share{s, shares.Snapshots[s.ID]})
	}
}
