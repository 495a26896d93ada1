// Package restore puts a snapshot into a database, of the same or another environment, and undoes that. A restore says
// first what it would replace by what: the plan. A run of it then fetches, checks and scrubs the image beside the target,
// saves what the target holds as a snapshot, and replaces it in one SQLite transaction. What can go wrong leaves the
// target as it was.
package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/scratch"
	"firn/session"
	"firn/site"
	"firn/snapshot"
)

// DefaultWait is how long a restore waits for other connections if the options do not say it.
const DefaultWait = 10 * time.Second

// Options say which snapshot is restored, and where to. Environment is needed, or Target with From or Snapshot.
type Options struct {
	Environment string // whose database is replaced, and whose snapshot is taken unless From says otherwise
	Target      string // the database file to replace; "" for the environment's

	From         string   // the environment whose snapshot is taken; "" for Environment, or for any with an ID
	Name         string   // only snapshots of the database with this name; "" for the target's, or the only one
	Tags         []string // only snapshots with these tags: a comma in one means and, several mean or
	Snapshot     string   // a reference as [session.Catalog.Find] takes it; "" for [Operation.Choose]
	BeforeSchema *int64   // the newest snapshot whose user_version is below this, in place of Snapshot
	Undo         bool     // put back what the last restore into Environment has replaced, in place of all above but Environment

	Scrub   string        // the file with SQL to run on the copy before it goes live; "" for the environment's, if this is a clone
	Unsound bool          // restore even a database in which the checks find something wrong
	Offline bool          // no application has the target open: another page size, or a damaged target, is allowed
	Wait    time.Duration // for a time without another connection's transaction; 0 or less for [DefaultWait]
}

// Selects reports whether the options say which snapshot is restored. If not, [Operation.Choose] has to.
func (o *Options) Selects() bool { return o.Snapshot != "" || o.BeforeSchema != nil || o.Undo }

// check refuses what cannot work before anything is opened, and fills in defaults.
func (o *Options) check() error {
	if o.BeforeSchema != nil && o.Snapshot != "" {
		return outcome.Usage("", "--before-schema finds the snapshot itself: it does not go with --snapshot")
	}
	if o.Undo && (o.Environment == "" || o.Target != "" || o.From != "" || o.Name != "" || o.Tags != nil || o.Snapshot != "" || o.BeforeSchema != nil) {
		return outcome.Usage("Name the environment alone.", "undo: the last restore into an environment says which snapshot is put back where")
	}
	if o.Wait <= 0 {
		o.Wait = DefaultWait
	}
	return nil
}

// Operation is one restore, or one undo. Its steps are, in this order: [New]; [Operation.Choices] and [Operation.Choose] if
// the options do not select a snapshot; [Operation.Plan]; [Operation.Run], once; and [Operation.Close] in any case. An
// operation is for one goroutine. Several operations may use one session at once. If two of them have the same target, the
// second run fails with [outcome.ErrRunning] as long as the first is under way.
type Operation struct {
	s       *session.Session
	options Options
	env     *config.Environment  // whose database the target is; nil if it is none's
	site    *site.Site           // of the target; nil on another host
	far     *far                 // the target on another host; nil on this one
	path    string               // of the target, without symbolic links, for people
	known   *session.Catalog     // of what there was
	list    []*snapshot.Snapshot // which of them may be meant
	choices []*snapshot.Snapshot // which of them a person is offered, and what restores have put aside
	source  *snapshot.Snapshot
	scrub   *scrubbing // nil for none
	target  *target
	planned bool // for source
	inPlace bool // for [Operation.Change]
	ran     bool
	closed  bool

	seed  *seed                // nil if the whole image is fetched
	saves []*snapshot.Snapshot // of the target
	saved *snapshot.Snapshot   // the last one: what was replaced
	kept  string               // the file that a damaged target has become

	watch        *site.Watch // since before the target was saved; nil for none
	savedIsThere bool        // every byte of saved was read, by us, and nothing was committed since
}

// New begins a restore: it finds the target and checks the options, by the configuration alone. So the session need not
// have opened its repository yet, and a mistake shows before a key is asked for. The caller closes the operation, and after
// it the session.
func New(s *session.Session, options Options) (*Operation, error) {
	op := &Operation{s: s, options: options}
	if err := op.findTarget(); err != nil {
		return nil, err
	}
	if err := op.options.check(); err != nil {
		return nil, errors.Join(err, op.Close())
	}
	return op, nil
}

// Close lets go of the target's folder. It may be called when a step has failed. A run that comes after it changes nothing.
func (op *Operation) Close() error {
	op.closed = true
	if op.far != nil {
		op.far.end()
	}
	return op.site.Close()
}

// Result says what a restore did.
type Result struct {
	Method       string // how the target was replaced: see [firn/sqlite.RestoreResult]
	PagesWritten int64
	PageCount    int64              // of the restored database
	Saved        *snapshot.Snapshot // of what was replaced; nil if there was nothing to save
	Kept         string             // the file that what was replaced has become, if it could not be saved; "" for none
	Scrub        string             // the file with SQL that was run on the copy; "" for none
}

// Run restores what the plan says, and plans first if [Operation.Plan] was not called. With a result the target was replaced,
// and an error beside it says what went wrong afterwards: the application could not be started, or something could not be
// removed. Without a result the target is as it was, unless the error is [firn/sqlite.ErrDiffers]: then the target was
// written, and does not hold what it should.
func (op *Operation) Run(ctx context.Context) (result *Result, err error) {
	switch {
	case op.ran:
		return nil, errors.New("restore: an operation runs once")
	case op.closed:
		return nil, errors.New("restore: the operation is closed")
	}
	if !op.planned {
		if _, err := op.Plan(ctx); err != nil {
			return nil, err
		}
	}
	op.ran = true
	l, err := op.s.Lock("restore", op.path)
	if err != nil {
		return nil, err
	}
	defer l.Release()
	if op.far != nil {
		if err := op.far.begin(ctx, op); err != nil {
			return nil, err
		}
		defer op.far.end()
		return op.fetchAndReplace(ctx)
	}
	claim, err := op.claim()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.site.Do(claim.Release)) }()
	return op.fetchAndReplace(ctx)
}

// claim keeps other restores from the target that do not meet the lock. The lock is in the cache or in TMPDIR: a run of
// another user, or with another cache or TMPDIR, does not see it.
func (op *Operation) claim() (claim *scratch.Claim, err error) {
	err = op.site.At(func(path string) (err error) { claim, err = scratch.Take(path); return err })
	if errors.Is(err, scratch.ErrClaimed) {
		err = fmt.Errorf("%s %s: %w", op.command(), op.path, outcome.ErrRunning)
	}
	return claim, err
}

// command is the name of the operation for messages.
func (op *Operation) command() string {
	if op.options.Undo {
		return "undo"
	}
	return "restore"
}
