package backup

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/site"
	"firn/snapshot"
)

// together is how many databases one round takes at most. A round is lost as a whole if the run is killed, and a second
// of work is little to lose.
const together = 256

// togetherFrom is from how many databases on a round is worth its price: its snapshots take room until all of them are
// forgotten.
const togetherFrom = 8

// DoneFunc is told the outcome of a backup.
type DoneFunc func(*Job, *Result, error)

// BackUpAll backs up databases as [Run.BackUp] does, and tells of each outcome. Databases without commands before and
// after their backup are taken in rounds: the snapshots of many of them are stored, confirmed and thinned by a few
// requests, whatever their number.
func (r *Run) BackUpAll(ctx context.Context, jobs []*Job, done DoneFunc) {
	for batch := range r.batches(jobs) {
		if len(batch) >= togetherFrom && ctx.Err() == nil {
			r.backUpTogether(ctx, batch, done)
			continue
		}
		for _, j := range batch {
			result, err := r.BackUp(ctx, j)
			done(j, result, err)
		}
	}
}

// batches yields the jobs in their order, neighbours together if they can be taken in one round.
func (r *Run) batches(jobs []*Job) iter.Seq[[]*Job] {
	return func(yield func([]*Job) bool) {
		for from := 0; from < len(jobs); {
			to := from + 1
			for r.joins(jobs[from]) && to < len(jobs) && r.joins(jobs[to]) && to-from < together {
				to++
			}
			if !yield(jobs[from:to]) {
				return
			}
			from = to
		}
	}
}

// joins reports whether a database can be taken together with others. The application of one that has commands around its
// backup may be stopped meanwhile, and does not wait for others.
func (r *Run) joins(j *Job) bool {
	return j.stream == nil && !r.options.DryRun && j.env.Before == "" && j.env.After == ""
}

// part is a database that is taken in a round.
type part struct {
	job    *Job
	lock   *session.RunLock
	watch  *watch
	began  time.Time
	result *Result
	err    error
}

// backUpTogether takes databases in one round.
func (r *Run) backUpTogether(ctx context.Context, jobs []*Job, done DoneFunc) {
	r.sweep.Do(func() { r.s.SweepPlaces(ctx) })
	var parts []*part
	for _, j := range jobs {
		p, err := r.begin(ctx, j)
		if err != nil {
			err = fmt.Errorf("back up %s: %w", j.env.Name, err)
			r.remember(j, err)
			done(j, nil, err)
			continue
		}
		defer p.lock.Release()
		parts = append(parts, p)
	}
	before := r.s.Requests()
	err := r.takeRound(ctx, parts)
	requests := (r.s.Requests() - before + int64(len(parts)) - 1) / int64(max(1, len(parts)))
	for _, p := range parts {
		p.err = cmp.Or(p.err, err)
		p.watch.end(ctx, p.began, requests, p.result, p.err)
		if p.err != nil {
			p.err = fmt.Errorf("back up %s: %w", p.job.env.Name, p.err)
		}
		r.remember(p.job, p.err)
		done(p.job, p.result, p.err)
	}
}

// begin takes the lock of a database and tells of the start.
func (r *Run) begin(ctx context.Context, j *Job) (*part, error) {
	if err := j.checkTime(r.s.Now()); err != nil {
		r.notBegun(ctx, j, err)
		return nil, err
	}
	l, err := r.lock(ctx, j)
	if err != nil {
		return nil, err
	}
	p := &part{job: j, lock: l, watch: r.watch(j)}
	p.began = p.watch.begin(ctx)
	return p, nil
}

// takeRound takes the snapshots of all parts. An error is that of all parts without one of their own.
func (r *Run) takeRound(ctx context.Context, parts []*part) error {
	if err := site.CheckTempDir(); err != nil {
		return err
	}
	r.s.Sweep(os.TempDir(), session.SweepIdle)
	rounds, err := r.openRounds(ctx)
	if err != nil {
		return err
	}
	open, total := r.reach(ctx, parts)
	meter := r.s.Progress(report.Plural(len(open), "database"), total)
	defer meter.Done()
	var passed atomic.Int64
	var members []repo.RoundMember
	for _, p := range open {
		members = append(members, r.member(p.job, func(n int64) { meter.Set(passed.Add(n)) }))
	}
	taken, err := rounds.Take(ctx, members)
	if err != nil {
		return err
	}
	confirmed, err := rounds.Confirm(ctx)
	if err != nil {
		return err
	}
	r.sort(ctx, open, taken.Members, confirmed)
	return r.retain(ctx, rounds, open)
}

// reach returns the parts whose databases can be reached, and the size of all of these. The others get an error.
func (r *Run) reach(ctx context.Context, parts []*part) (open []*part, total int64) {
	for _, p := range parts {
		size, err := r.approach(ctx, p.job, p.job.env.Database)
		if err != nil {
			p.err = err
			continue
		}
		open, total = append(open, p), total+size
	}
	return open, total
}

// openRounds returns the rounds of this run.
func (r *Run) openRounds(ctx context.Context) (*repo.Rounds, error) {
	if r.rounds != nil {
		return r.rounds, nil
	}
	rounds, err := r.s.Repo.NewRounds(ctx)
	if err == nil {
		r.rounds = rounds
	}
	return rounds, err
}

// member returns a database as a part of a round. passed is told how many bytes are done with since the last call.
func (r *Run) member(j *Job, passed func(int64)) repo.RoundMember {
	options := j.engine(r.s, nil)
	var last int64
	options.Progress = func(n int64) {
		passed(n - last)
		last = n
	}
	options.HeldUp = func(reason error) { r.s.WarnHeldUp(j.env.Name, reason) }
	return repo.RoundMember{Source: r.s.Source(j.env.Database, readOptions(r.s, j, r.options.DryRun)), Options: options}
}

// sort gives each part its outcome. A database whose blobs a prune has taken away meanwhile is taken again, by itself.
func (r *Run) sort(ctx context.Context, parts []*part, members []repo.MemberResult, confirmed *repo.Confirmation) {
	lost := make(map[snapshot.ID]bool)
	for _, s := range confirmed.Lost {
		lost[s.ID] = true
	}
	for i, p := range parts {
		m := members[i]
		switch {
		case m.Err != nil:
			p.err = m.Err
		case !m.Skipped && lost[m.Snapshot.ID]:
			p.result, p.err = r.takeSnapshot(ctx, p.job)
		default:
			p.result = &Result{*m.BackupResult, false, r.s.Now().Sub(p.began)}
			p.err = cmp.Or(p.result.complaint(), r.s.RollbackError(p.result.Rollback))
		}
	}
}

// retain forgets what the rules of the parts do not keep, and reports the results.
func (r *Run) retain(ctx context.Context, rounds *repo.Rounds, parts []*part) error {
	rules := make(map[snapshot.Series]*part)
	for _, p := range parts {
		if p.result != nil && !p.result.Skipped && p.job.options.Keep != nil {
			rules[p.result.Snapshot.Series()] = p
		}
	}
	forgotten, err := rounds.Retain(ctx, func(s snapshot.Series) (retention.Policy, bool) {
		if p := rules[s]; p != nil {
			return *p.job.options.Keep, true
		}
		return retention.Policy{}, false
	})
	for _, f := range forgotten {
		rules[f.Series].result.Forgotten = f.Decisions
	}
	for _, p := range parts {
		if p.result != nil {
			r.report(p.result)
		}
	}
	if err != nil {
		return outcome.Failed("", "the snapshots are stored, but old ones could not be removed: %w", err)
	}
	return nil
}
