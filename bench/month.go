package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// month has the sizes of repositories over a simulated month.
type month struct {
	monthOptions
	lines []line
	end   int64 // size of the database after the month
}

// line has the sizes of one contender's repository after each backup.
type line struct {
	contender
	points []point
	cpu    time.Duration // of all runs
}

type point struct {
	day  float64
	size int64
}

// end is the size after the last backup.
func (l line) end() int64 { return l.points[len(l.points)-1].size }

// largest is the largest size after any backup.
func (l line) largest() (size int64) {
	for _, p := range l.points {
		size = max(size, p.size)
	}
	return size
}

const (
	// pruneEvery is how often "firn backup --prune" prunes by itself.
	pruneEvery = 6 * time.Hour
	// orphanAge is for how long firn spares packs that may be a running backup's.
	orphanAge = 24 * time.Hour
)

// simulation is a month under way.
type simulation struct {
	*rounds
	lines []line
	clock time.Time   // simulated
	times []time.Time // when the backups so far really ran
}

// simulate takes the script pipeline and firn through a month. Both run at once, since
// only sizes count. Snapshots get simulated times, and retention goes by these. simulate
// returns nil if neither contender was chosen.
func simulate(o options, work string, contenders []contender) (*month, error) {
	defer os.RemoveAll(work)
	logf("simulate %d days with a backup every %s", o.monthly.days, o.monthly.every)
	o.sizes = []int64{o.monthly.size}
	var two []contender
	for _, c := range contenders {
		if c.name == scriptName || c.name == firnName {
			two = append(two, c)
		}
	}
	if len(two) == 0 {
		return nil, nil
	}
	r, err := newRounds(o, work, two)
	if err != nil {
		return nil, err
	}
	s := &simulation{rounds: r, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range two {
		s.lines = append(s.lines, line{contender: c})
	}
	if err := s.all(); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	info, err := os.Stat(r.database)
	if err != nil {
		return nil, err
	}
	return &month{o.monthly, s.lines, info.Size()}, nil
}

func (s *simulation) all() error {
	for n := range s.backups() {
		if err := s.change(writes, "tick"); err != nil {
			return err
		}
		if err := s.backup(n); err != nil {
			return err
		}
		s.clock = s.clock.Add(s.monthly.every)
	}
	return s.app.close()
}

// backups returns the number of backups in the month.
func (o monthOptions) backups() int {
	return max(1, int(time.Duration(o.days)*24*time.Hour/o.every))
}

func (s *simulation) backups() int { return s.monthly.backups() }

// backup runs the n-th backup of all contenders at once.
func (s *simulation) backup(n int) error {
	s.times = append(s.times, time.Now())
	errs := make([]error, len(s.benches))
	var wg sync.WaitGroup
	for i, b := range s.benches {
		wg.Go(func() { errs[i] = s.backUpOne(n, b, &s.lines[i]) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if n%(s.backups()/10+1) == 0 {
		logf("day %.1f", s.day(n))
	}
	return nil
}

func (s *simulation) day(n int) float64 {
	return (time.Duration(n) * s.monthly.every).Hours() / 24
}

// backUpOne runs a contender's n-th backup and notes the size of its repository.
func (s *simulation) backUpOne(n int, b *bench, l *line) error {
	script, env := b.contender.backup, []string{"TIME=" + s.clock.Format(time.DateTime)}
	if b.prune != "" && s.pruneDue(n) {
		script += "\n" + b.prune
		env = append(env, "AGE="+s.age(n).String())
	}
	c, err := b.run(script, env...)
	if err != nil {
		return err
	}
	size, err := dirSize(b.repo)
	l.points = append(l.points, point{s.day(n), size})
	l.cpu += c.cpu
	return err
}

// pruneDue reports whether the n-th backup is the first of a period of the simulated
// clock. firn cannot see that: its own clock has hardly moved since its last prune.
func (s *simulation) pruneDue(n int) bool {
	return n > 0 && time.Duration(n)*s.monthly.every%pruneEvery < s.monthly.every
}

// age returns the real time since the simulated clock showed one day less than at the
// n-th backup. Packs are dated by the real clock, so a prune must be told this age.
func (s *simulation) age(n int) time.Duration {
	before := n - int(orphanAge/s.monthly.every)
	if before < 0 {
		return orphanAge
	}
	return max(time.Since(s.times[before]), time.Nanosecond)
}
