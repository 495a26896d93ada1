// Package backup takes snapshots of databases with everything that an operator puts around them: one run of a database at a
// time, commands before and after, a monitor, metrics, guards, retention, and the freeing of space.
package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/pull"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/sqlite"
	"firn/store"
)

// RunOptions hold for all backups of a run. The zero value is the default.
type RunOptions struct {
	DryRun      bool   // write nothing; commands, monitors and metrics learn nothing of the run
	MetricsFile string // the file for Prometheus, in place of the configured one

	// Taken is called with each result as soon as the snapshot is taken, before the command that follows a backup; nil
	// for no call. Backups that run at the same time call it at the same time.
	Taken func(*Result)
}

// Run is a number of backups into one repository, and the freeing of space after them. Its methods may be called by several
// goroutines at once.
type Run struct {
	s       *session.Session
	options RunOptions
	began   time.Time
	sweep   sync.Once
	rounds  *repo.Rounds // of backups that are taken together; nil before the first

	mu        sync.Mutex
	succeeded []*Job
	full      bool // a backup failed because the store has no space left
}

// NewRun begins a run. The session must stay open until the last call of the run's methods has returned.
func NewRun(s *session.Session, options RunOptions) *Run {
	return &Run{s: s, options: options, began: s.Now()}
}

// BackUp backs up one database: under the lock of its environment, between the environment's commands, watched by its
// monitor, and with the outcome in the metrics. If the same database is being backed up already, the error matches
// [outcome.ErrRunning], and neither commands nor the monitor learn of this call. If the context has ended before, nothing
// is done, and commands and the monitor learn of that failure.
//
// There may be a result with an error: the snapshot is stored then, and the error tells what else went wrong. An error that
// matches [SuspectError] says that the snapshot is probably not meant, and [UnsoundError] that the database is damaged.
func (r *Run) BackUp(ctx context.Context, j *Job) (*Result, error) {
	if err := ctx.Err(); err != nil {
		r.notBegun(ctx, j, outcome.Interrupted(err))
		return nil, err
	}
	result, err := r.backUp(ctx, j)
	if err != nil {
		err = fmt.Errorf("back up %s: %w", j.env.Name, err)
	}
	r.remember(j, err)
	return result, err
}

// NothingYet reports whether there is nothing to back up yet: see [session.Catalog.NothingYet]. It reads the repository only
// if the database is missing.
func (r *Run) NothingYet(ctx context.Context, j *Job) (bool, error) {
	if j.stream != nil || !r.s.MissingDatabase(ctx, j.env.Database) {
		return false, nil
	}
	known, err := r.s.Catalog(ctx)
	if err != nil {
		return false, err
	}
	env := r.s.Conf.Lookup(j.env.Name)
	return env != nil && env.Database == j.env.Database && known.NothingYet(ctx, env.Name), nil
}

// remember takes note of an outcome, for [Run.Prune].
func (r *Run) remember(j *Job, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.succeeded = append(r.succeeded, j)
	}
	r.full = r.full || errors.Is(err, store.ErrNoSpace)
}

// backUp backs up one database under its lock. The lock's refusal means that the same backup is under way: its own run
// tells of it.
func (r *Run) backUp(ctx context.Context, j *Job) (*Result, error) {
	if err := j.checkTime(r.s.Now()); err != nil {
		r.notBegun(ctx, j, err)
		return nil, err
	}
	if r.options.DryRun {
		return r.takeSnapshot(ctx, j)
	}
	r.sweep.Do(func() { r.s.SweepPlaces(ctx) })
	l, err := r.lock(ctx, j)
	if err != nil {
		return nil, err
	}
	defer l.Release()
	return r.watch(j).around(ctx, func() (*Result, error) { return r.takeSnapshot(ctx, j) })
}

// lock takes the lock of a database, and tells of a failure but that another run has it.
func (r *Run) lock(ctx context.Context, j *Job) (*session.RunLock, error) {
	l, err := r.s.Lock(j.lockParts()...)
	if err != nil && !errors.Is(err, outcome.ErrRunning) {
		r.notBegun(ctx, j, err)
	}
	return l, err
}

// watch returns the commands, the monitor and the metrics of a job.
func (r *Run) watch(j *Job) *watch { return newWatch(r.s, j.env, r.options.MetricsFile) }

// notBegun tells of a failure that kept a backup from its beginning.
func (r *Run) notBegun(ctx context.Context, j *Job, cause error) {
	if !r.options.DryRun {
		r.watch(j).notBegun(ctx, cause)
	}
}

// NotBegun tells the commands, monitors and metrics of some environments that their backup did not begin: the repository
// could not be opened, or not even the configuration is whole. In a dry run it does nothing.
func NotBegun(ctx context.Context, c *session.Caller, conf *config.Config, envs []*config.Environment, options RunOptions, cause error) {
	if options.DryRun || len(envs) == 0 {
		return
	}
	s := &session.Session{Caller: c, Conf: conf}
	if place, err := s.FindRepository(conf); err == nil { // the metrics take the lock that is in the cache
		s.Place = place
		s.CacheDir = s.OpenCache(place.String())
	}
	for _, env := range envs {
		newWatch(s, env, options.MetricsFile).notBegun(ctx, cause)
	}
}

// Unlisted returns an error for each pattern and each file that gave no environment to back up: see [config.ListError], and
// [session.Catalog.Emptied]. The pattern's commands and its monitor learn of it. A run does this after its backups: the last
// that a monitor hears of several environments is the failure then.
func (r *Run) Unlisted(ctx context.Context, l *config.Listing) (errs []error) {
	failed := l.Errors
	if len(l.Empty) > 0 {
		known, err := r.s.Catalog(ctx)
		if err != nil {
			return []error{err}
		}
		emptied := known.Emptied(l)
		for _, table := range l.Empty {
			if !slices.ContainsFunc(emptied, func(e *config.ListError) bool { return e.Table == table }) {
				r.s.Note("nothing yet: no file fits %s", table.Database)
			}
		}
		failed = slices.Concat(failed, emptied)
	}
	for _, e := range failed {
		if !r.options.DryRun {
			newWatch(r.s, e.Table, r.options.MetricsFile).notBegun(ctx, e)
		}
		errs = append(errs, e)
	}
	return errs
}

// takeSnapshot takes the snapshot of a file or of a stream.
func (r *Run) takeSnapshot(ctx context.Context, j *Job) (result *Result, err error) {
	if err := site.CheckTempDir(); err != nil {
		return nil, err
	}
	if !r.options.DryRun {
		r.s.Sweep(os.TempDir(), session.SweepIdle)
	}
	if j.stream == nil {
		return r.takeDatabase(ctx, j)
	}
	err = r.spooled(ctx, j, func(path string) (err error) {
		result, err = r.takeFrom(ctx, j, path, site.StreamSource(path, j.streamName))
		return err
	})
	return result, err
}

// takeDatabase takes the snapshot of a database. If what the repository has of a database on another host cannot be read, the
// database is brought here as a whole.
func (r *Run) takeDatabase(ctx context.Context, j *Job) (*Result, error) {
	source := r.s.Source(j.env.Database, readOptions(r.s, j, r.options.DryRun))
	result, err := r.takeFrom(ctx, j, j.env.Database, source)
	if _, unread := errors.AsType[*pull.StoredError](err); unread && ctx.Err() == nil {
		r.s.Warn("%s: %v: all of it is read again", j.env.Name, err)
		return r.takeFrom(ctx, j, j.env.Database, source)
	}
	return result, err
}

// takeFrom takes the snapshot of a file.
func (r *Run) takeFrom(ctx context.Context, j *Job, path string, source repo.Source) (*Result, error) {
	total, err := r.approach(ctx, j, path)
	if err != nil {
		return nil, err
	}
	started := r.s.Now()
	m := r.s.Progress(j.env.Name, total)
	options := j.engine(r.s, nil)
	options.DryRun = r.options.DryRun
	options.Progress = m.Set
	options.HeldUp = func(reason error) { r.s.WarnHeldUp(j.env.Name, reason) }
	stored, err := r.s.Repo.Backup(ctx, source, options)
	m.Done()
	if stored == nil {
		return nil, err
	}
	result := &Result{*stored, r.options.DryRun, r.s.Now().Sub(started)}
	r.report(result)
	return result, cmp.Or(err, result.complaint(), r.s.RollbackError(result.Rollback))
}

// approach is the first access to the database's folder. It removes the private files that a killed restore or a killed
// compact copy has left there. It returns the size of the file, 0 if the size is not known: opening the file says why.
func (r *Run) approach(ctx context.Context, j *Job, path string) (int64, error) {
	if j.stream == nil && j.env.Remote() {
		return 0, nil // its description says it
	}
	size := make(chan int64, 1)
	err := site.NewWatchdog(ctx, r.s.Silence).Call(func() error {
		if j.stream == nil && !r.options.DryRun {
			r.s.SweepBeside(path, session.SweepIdle)
		}
		var n int64
		if info, err := os.Stat(path); err == nil {
			n = info.Size()
		}
		size <- n
		return nil
	}, site.Nothing)
	if err != nil {
		return 0, site.StuckSource(err)
	}
	return <-size, nil
}

// readOptions say how to read the database. The row counts of its pages are kept beside the run's lock, under which they
// are written; a dry run must leave them to the next run as they are.
func readOptions(s *session.Session, j *Job, dryRun bool) sqlite.Options {
	o := sqlite.Options{
		Compact: j.compact, HoldWriters: j.blockWriters,
		HeldUp: func(reason error) { s.WarnLocked(j.env.Name, j.blockWriters, reason) },
	}
	if !dryRun && s.CacheDir != "" {
		o.StatePath = s.RunPath(s.CacheDir, j.lockParts()...) + ".census"
	}
	return o
}

// report tells what a person should know of a result.
func (r *Run) report(result *Result) {
	s := result.Snapshot
	if result.Uncompared != "" {
		r.s.Warn("snapshot %s of %s: %s", s.ID.Short(), s.Environment, result.Uncompared)
	}
	r.s.WarnAhead(result.Ahead)
	r.s.Detail("read %s of %s", report.Size(result.Scanned), report.Size(s.Image().Size))
	if result.Left != nil {
		r.s.Detail("left behind: %v", result.Left)
	}
	if r.options.Taken != nil {
		r.options.Taken(result)
	}
}

// Prune frees space after the last backup: if that is due and a backup of the run has succeeded, or at once if the store had
// no space left for a backup. It returns the result of each prune, none if nothing was to be done; results may come with
// an error. Commands, monitors and metrics of each environment with a successful backup learn of an error: they were told of
// the success before, and a repository that only grows is found full one day.
func (r *Run) Prune(ctx context.Context) ([]*repo.PruneResult, error) {
	r.mu.Lock()
	succeeded, full := r.succeeded, r.full
	r.mu.Unlock()
	results, err := r.prune(ctx, full, len(succeeded) > 0)
	if err == nil {
		return results, nil
	}
	if len(succeeded) > 0 {
		err = fmt.Errorf("the snapshots are stored, but space could not be freed: %w", err)
	}
	if !r.options.DryRun {
		for _, j := range succeeded {
			r.watch(j).pruneFailed(ctx, r.began, err)
		}
	}
	return results, err
}

func (r *Run) prune(ctx context.Context, full, succeeded bool) ([]*repo.PruneResult, error) {
	switch {
	case full:
		return r.s.PruneFull(ctx, r.options.DryRun)
	case succeeded:
		result, err := r.s.PruneIfDue(ctx, 0, r.options.DryRun)
		if result != nil {
			return []*repo.PruneResult{result}, err
		}
		return nil, err
	}
	return nil, nil
}
