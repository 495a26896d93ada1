package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// operation is a kind of measurement. Its text names its rows in the report.
type operation string

const (
	firstBackup     operation = "first backup"
	inPlace         operation = "backup, pages changed in place"
	writes          operation = "backup after an application's writes"
	writesUnproven  operation = "backup after such writes, without a proof"
	unchanged       operation = "backup without a change"
	backupPruned    operation = "backup after writes, and a prune that is due"
	restoreNew      operation = "restore into a new file"
	restoreUnproven operation = "restore into a new file, of a snapshot without a proof"
	verifyAll       operation = "verify by all checks"
	verifyUnproven  operation = "verify a snapshot without a proof"
	clone           operation = "restore over a copy that is one change older"
)

// operations has all operations, in the order of the report.
var operations = []operation{
	firstBackup, inPlace, writes, writesUnproven, unchanged, backupPruned, restoreNew, restoreUnproven, verifyAll, verifyUnproven, clone,
}

// result has the costs of one contender's runs.
type result struct {
	contender
	costs map[operation][]cost
	size  int64 // of the repository after all changes
}

func (r result) median(op operation) cost { return median(r.costs[op]) }

// openingChange is the number of the change that is not measured. The others count from 0.
const openingChange = 1 << 20

// rounds runs each operation with one contender after the other.
type rounds struct {
	options
	work     string
	database string
	app      *application
	changes  int // made so far
	pages    map[operation][]int
	benches  []*bench
	results  []result
}

func newRounds(o options, work string, contenders []contender) (*rounds, error) {
	r := &rounds{options: o, work: work, database: filepath.Join(work, "app.db"), pages: make(map[operation][]int)}
	if err := os.MkdirAll(work, 0o700); err != nil {
		return nil, err
	}
	if _, err := workload("create", r.database, o.sizes[0], o.seed); err != nil {
		return nil, err
	}
	for _, c := range contenders {
		b, err := newBench(c, work, r.database)
		if err != nil {
			return nil, err
		}
		r.benches = append(r.benches, b)
		r.results = append(r.results, result{contender: c, costs: make(map[operation][]cost)})
	}
	return r, r.open()
}

// open starts the application and lets it write once. A real application has written
// before the first backup, too, so that a WAL exists.
func (r *rounds) open() (err error) {
	if r.app, err = openApplication(r.database); err != nil {
		return err
	}
	_, err = r.app.do("tick", r.seed, openingChange)
	return err
}

// step is a part of the rounds, with the number of its repetitions.
type step struct {
	n  int
	do func() error
}

// all runs all operations.
func (r *rounds) all() error {
	return r.run([]step{
		{1, r.first}, {r.firsts - 1, r.firstAgain},
		{r.ticks, r.inPlace}, {r.writes, r.written}, {r.unchanged, r.idle},
		{1, r.sizes}, {r.unchanged, r.clone}, {1, r.verify}, {r.writes, r.unproven},
	})
}

// run runs the steps, and ends the application.
func (r *rounds) run(steps []step) error {
	for _, s := range steps {
		for range s.n {
			if err := s.do(); err != nil {
				return err
			}
		}
	}
	return r.app.close()
}

func (r *rounds) first() error { return r.each(firstBackup, backupOf) }

// firstAgain makes new repositories, and one backup into each.
func (r *rounds) firstAgain() error {
	return r.each(firstBackup, func(b *bench) (cost, error) {
		again, err := newBench(b.contender, filepath.Join(r.work, "again"), r.database)
		if err != nil {
			return cost{}, err
		}
		c, err := again.run(again.backup)
		if err != nil {
			return cost{}, err
		}
		return c, os.RemoveAll(again.dir)
	})
}

func (r *rounds) inPlace() error {
	if err := r.change(inPlace, "pages", r.options.pages); err != nil {
		return err
	}
	return r.each(inPlace, backupOf)
}

func (r *rounds) written() error {
	if err := r.change(writes, "tick"); err != nil {
		return err
	}
	return r.each(writes, backupOf)
}

// idle backs up without a change, and restores the new snapshot.
func (r *rounds) idle() error {
	if err := r.each(unchanged, backupOf); err != nil {
		return err
	}
	return r.restore(restoreNew, (*bench).restored)
}

func (r *rounds) sizes() (err error) {
	for i, b := range r.benches {
		if r.results[i].size, err = dirSize(b.repo); err != nil {
			return err
		}
	}
	return nil
}

func (r *rounds) verify() error {
	return r.each(verifyAll, func(b *bench) (cost, error) { return b.run(b.contender.verify) })
}

// unproven measures what is different without proofs. A verification or a restore notes what it found out, so that each needs
// a snapshot of its own.
func (r *rounds) unproven() error {
	if err := r.backUpUnproven(); err != nil {
		return err
	}
	if err := r.each(verifyUnproven, func(b *bench) (cost, error) { return b.run(b.verifyPages) }); err != nil {
		return err
	}
	if err := r.backUpUnproven(); err != nil {
		return err
	}
	return r.restore(restoreUnproven, (*bench).restored)
}

func (r *rounds) backUpUnproven() error {
	if err := r.change(writesUnproven, "tick"); err != nil {
		return err
	}
	return r.each(writesUnproven, func(b *bench) (cost, error) { return b.run(b.backupUnproven) })
}

// clone restores over the file that was restored before the last change.
func (r *rounds) clone() error {
	if err := r.pruned(); err != nil {
		return err
	}
	return r.restore(clone, (*bench).cloned)
}

// pruned measures a backup after a change, and a prune.
func (r *rounds) pruned() error {
	if err := r.change(backupPruned, "tick"); err != nil {
		return err
	}
	return r.each(backupPruned, func(b *bench) (cost, error) { return b.run(b.backup + "\n" + b.prune) })
}

// change makes a change for an operation, and notes the number of pages that it wrote.
func (r *rounds) change(op operation, action string, args ...any) error {
	pages, err := r.app.do(action, append([]any{r.seed, r.changes}, args...)...)
	if err != nil {
		return err
	}
	r.changes++
	r.pages[op] = append(r.pages[op], pages)
	if !r.reopen {
		return nil
	}
	if err := r.app.close(); err != nil {
		return err
	}
	r.app, err = openApplication(r.database)
	return err
}

func backupOf(b *bench) (cost, error) { return b.run(b.backup) }

// each measures an operation with each contender that has it.
func (r *rounds) each(op operation, run func(*bench) (cost, error)) error {
	for i, b := range r.benches {
		if !b.can(op) {
			continue
		}
		c, err := run(b)
		if err != nil {
			return err
		}
		logf("%s: %s: %s, %s added", op, b.name, c.wall.Round(time.Millisecond), bytesText(c.added))
		r.results[i].costs[op] = append(r.results[i].costs[op], c)
	}
	return nil
}

// can reports whether the contender has an operation.
func (c contender) can(op operation) bool {
	switch op {
	case verifyAll:
		return c.verify != ""
	case writesUnproven, verifyUnproven, restoreUnproven:
		return c.backupUnproven != ""
	case backupPruned:
		return c.prune != ""
	case clone:
		return c.clone
	}
	return true
}

// restore measures a restore by each contender. Only a clone needs the restored file later.
func (r *rounds) restore(op operation, run func(b *bench, rows int64) (cost, error)) error {
	rows, err := workload("count", r.database)
	if err != nil {
		return err
	}
	return r.each(op, func(b *bench) (cost, error) {
		c, err := run(b, rows)
		if err == nil && !b.contender.clone {
			err = os.Remove(b.out)
		}
		return c, err
	})
}

// comparison has the figures of all contenders for one size.
type comparison struct {
	options
	size     int64 // of the database after all changes
	pages    map[operation][]int
	results  []result
	replicas []*replica // of the contenders that have a daemon
}

// compare takes all contenders through the same states of one database, in a
// folder that it removes.
func compare(o options, work string, contenders []contender) (*comparison, error) {
	logf("make a database of %s", bytesText(o.sizes[0]))
	c, err := compareRuns(o, work, slices.DeleteFunc(slices.Clone(contenders), contender.replicates))
	if err != nil {
		return nil, fmt.Errorf("compare at %s: %w", bytesText(o.sizes[0]), err)
	}
	c.replicas, err = replicateAll(o, work, contenders)
	return c, err
}

// compareRuns compares the contenders that run now and then.
func compareRuns(o options, work string, contenders []contender) (*comparison, error) {
	defer os.RemoveAll(work)
	if len(contenders) == 0 {
		return &comparison{options: o}, nil
	}
	r, err := newRounds(o, work, contenders)
	if err != nil {
		return nil, err
	}
	if err := r.all(); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.database)
	if err != nil {
		return nil, err
	}
	return &comparison{options: o, size: info.Size(), pages: r.pages, results: r.results}, nil
}
