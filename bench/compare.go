package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// result holds the median costs of one contender.
type result struct {
	contender
	first, changed, unchanged, restore cost
	size                               int64 // of the repository in the end
}

// compare takes all contenders through the same states of one database.
func compare(o options, work string, contenders []contender) (*report, error) {
	database := filepath.Join(work, "app.db")
	logf("make a database of %s", bytesText(o.size))
	if _, err := workload("create", database, o.size, o.seed); err != nil {
		return nil, err
	}
	info, err := os.Stat(database)
	if err != nil {
		return nil, err
	}
	r := &report{options: o, size: info.Size(), machine: machine(contenders)}
	rounds, err := newRounds(work, database, contenders)
	if err != nil {
		return nil, err
	}
	if err := rounds.all(o, &r.pages); err != nil {
		return nil, err
	}
	for i, b := range rounds.benches {
		size, err := dirSize(b.repo)
		if err != nil {
			return nil, err
		}
		c := rounds.costs[i]
		r.results = append(r.results, result{b.contender, median(c.first), median(c.changed), median(c.unchanged), median(c.restore), size})
	}
	return r, nil
}

// rounds runs one script of each contender after the other.
type rounds struct {
	database string
	benches  []*bench
	costs    []costs
}

// costs are what one contender's runs took.
type costs struct{ first, changed, unchanged, restore []cost }

func newRounds(work, database string, contenders []contender) (*rounds, error) {
	r := &rounds{database: database, costs: make([]costs, len(contenders))}
	for _, c := range contenders {
		b, err := newBench(c, work, database)
		if err != nil {
			return nil, err
		}
		r.benches = append(r.benches, b)
	}
	return r, nil
}

// all runs everything, and notes the pages that each tick changed.
func (r *rounds) all(o options, pages *[]int) error {
	var sums pageSums
	if _, err := sums.update(r.database); err != nil {
		return err
	}
	if err := r.backup("first backup", func(c *costs) *[]cost { return &c.first }); err != nil {
		return err
	}
	for n := range o.ticks {
		if err := change(o, r.database, n); err != nil {
			return err
		}
		changed, err := sums.update(r.database)
		if err != nil {
			return err
		}
		*pages = append(*pages, changed)
		if err := r.backup(fmt.Sprintf("tick %d", n+1), func(c *costs) *[]cost { return &c.changed }); err != nil {
			return err
		}
	}
	for range o.unchanged {
		if err := r.backup("no change", func(c *costs) *[]cost { return &c.unchanged }); err != nil {
			return err
		}
	}
	return r.restore()
}

func change(o options, database string, n int) error {
	args := []any{"tick", database, o.seed, n}
	if o.pages > 0 {
		args = []any{"pages", database, o.seed, n, o.pages}
	}
	_, err := workload(args...)
	return err
}

// backup runs each contender's backup, and adds its cost to a list.
func (r *rounds) backup(what string, list func(*costs) *[]cost) error {
	for i, b := range r.benches {
		c, err := b.run(b.contender.backup)
		if err != nil {
			return err
		}
		logf("%s: %s: %s, %s added", what, b.name, c.wall.Round(time.Millisecond), bytesText(c.added))
		l := list(&r.costs[i])
		*l = append(*l, c)
	}
	return nil
}

func (r *rounds) restore() error {
	rows, err := workload("count", r.database)
	if err != nil {
		return err
	}
	for i, b := range r.benches {
		c, err := b.restored(rows)
		if err != nil {
			return err
		}
		logf("restore: %s: %s", b.name, c.wall.Round(time.Millisecond))
		r.costs[i].restore = []cost{c}
	}
	return nil
}

// median takes each figure's own median.
func median(costs []cost) cost {
	return cost{
		wall:  middle(costs, func(c cost) time.Duration { return c.wall }),
		cpu:   middle(costs, func(c cost) time.Duration { return c.cpu }),
		rss:   middle(costs, func(c cost) int64 { return c.rss }),
		added: middle(costs, func(c cost) int64 { return c.added }),
	}
}

func middle[T ~int64](costs []cost, figure func(cost) T) T {
	if len(costs) == 0 {
		return 0
	}
	var all []T
	for _, c := range costs {
		all = append(all, figure(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// logf tells how far the run is.
func logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
