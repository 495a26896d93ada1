// Package replicate copies snapshots to another repository, and thins what is there.
package replicate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// Options say what is copied. The zero value copies all snapshots, as far as the configured rules of the target would
// keep them there.
type Options struct {
	Names  []string     // environments, or IDs of snapshots, which are copied whatever the rules are; none for all snapshots
	Tags   tags.Filter  // only snapshots that it selects
	Latest int          // only so many of the newest of each environment and database; 0 for all
	Keep   *config.Keep // rules of the target in place of the configured ones; nil for these
	Prune  bool         // then forget what the rules do not keep in the target, and free its space there
	DryRun bool         // write nothing
}

// Result says what was copied. In a dry run it says what would be.
type Result struct {
	Copied    []*snapshot.Snapshot // the copies; in a dry run their originals
	Present   int                  // snapshots that were there before
	LeftOut   int                  // snapshots that the rules of the target would not keep
	Failed    int                  // snapshots that cannot be read
	Read      int64                // bytes of the copied images; the rest was known to be there
	Added     int64                // bytes that the target has taken for them
	Forgotten []*snapshot.Snapshot // of the target
	Pruned    []*repo.PruneResult  // of the target, in the order in which its space was freed
	Began     time.Time
	Took      time.Duration
}

// Size is the bytes of the copied images.
func (r *Result) Size() (n int64) {
	for _, s := range r.Copied {
		n += s.Image().Size
	}
	return n
}

// Copy copies snapshots from a repository to another one. Snapshots that are there already are passed over, so an
// interrupted copy goes on where it was. A snapshot that cannot be read does not stop the others; but then nothing is
// forgotten, as the rules counted on it. The result is not nil as soon as it was known what there is to copy: it then says
// what was done before an error.
func Copy(ctx context.Context, from, to *session.Session, o Options) (*Result, error) {
	r := &run{Session: from, to: to, options: o}
	r.result.Began = from.Now()
	if err := r.choose(ctx); err != nil {
		return nil, err
	}
	if o.DryRun {
		err := r.prepare(ctx)
		if err == nil {
			r.plan()
		}
		return r.end(err)
	}
	l, err := to.Lock("copy")
	if err != nil {
		return nil, fmt.Errorf("copy to %s: %w", to.Place, err)
	}
	defer l.Release()
	return r.end(r.copyAll(ctx))
}

// plan fills in what a run would do.
func (r *run) plan() {
	r.result.Copied = r.todo.Copy
	if r.options.Prune {
		r.result.Forgotten = r.todo.Expired
	}
}

// end completes the result, and joins the error with the problems that have stopped nothing.
func (r *run) end(err error) (*Result, error) {
	if r.todo == nil {
		return nil, err
	}
	r.result.Present, r.result.LeftOut = r.todo.There, r.todo.LeftOut
	r.result.Took = r.Now().Sub(r.result.Began)
	return &r.result, errors.Join(append([]error{err}, r.problems...)...)
}
