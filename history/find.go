package history

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firn/diff"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// Truth is what a snapshot says to a condition.
type Truth int

// The answers of a snapshot.
const (
	NotAsked   Truth = iota
	False            // 0, NULL, or no row
	True             // any other number
	CannotTell       // the SQL does not run there: a table is missing, for instance
	Unreadable       // the snapshot is damaged, or was forgotten meanwhile
)

// String returns the answer for people and programs.
func (t Truth) String() string {
	return [...]string{"not asked", "false", "true", "cannot be asked", "unreadable"}[t]
}

// Answer is the answer of a snapshot to a condition.
type Answer struct {
	Snapshot *snapshot.Snapshot
	Truth    Truth
	Reason   string // why it cannot be asked
}

// Found says since when a condition is true.
type Found struct {
	First   *Answer  // the first snapshot where it is true; nil for none
	Before  *Answer  // the readable snapshot before that one, whose answer is another; nil if no older one can be read
	Changes []Answer // of [Changes]: the oldest answer, and each that differs from the one before it

	Snapshots []*snapshot.Snapshot // that were meant, the newest first
	Asked     int                  // how many of them were asked
	Skipped   []Skipped            // snapshots that could not be read
}

// ErrNotYet is returned by [First] for a condition that is not true in the newest snapshot.
var ErrNotYet = errors.New("the condition is not true in the newest snapshot")

// ErrCondition is returned, with the reason, for SQL that is no condition: its row has another form.
var ErrCondition = errors.New("this is no condition")

// First finds the first snapshot where a condition is true, among snapshots of one database, given newest first. It asks few of
// them, by bisection: so it is right for a condition that has become true once, and has stayed true. The condition is one
// statement in SQL that only reads. Its first row has one number, which is true unless it is 0. NULL and no row are false. A snapshot
// on which the SQL fails comes before the others, as one without the table does.
//
// It fails with [ErrNotYet], [ErrCondition], with [sqlite.ErrReadOnly] for SQL that would write, with [sqlite.ErrSQL] for SQL that
// fails on the newest snapshot, and with the context's error.
func First(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, condition string) (*Found, error) {
	a := newAsker(r, snapshots, condition)
	found, err := a.first(ctx)
	return a.finish(ctx, found, err)
}

// Changes asks all snapshots, the oldest first, and returns each answer that differs from the one before. It is for a condition that
// comes and goes. All else is as in [First], but that SQL that fails on the newest snapshot is an answer, too, unless it
// fails on all.
func Changes(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, condition string) (*Found, error) {
	a := newAsker(r, snapshots, condition)
	found, err := a.changes(ctx)
	return a.finish(ctx, found, err)
}

// asker asks snapshots for a condition.
type asker struct {
	repo      *repo.Repo
	snapshots []*snapshot.Snapshot // the newest first
	condition string
	answers   []Answer // the oldest first
	asked     int
	failure   error // of the last SQL that failed
	skipped   skipped
}

func newAsker(r *repo.Repo, snapshots []*snapshot.Snapshot, condition string) *asker {
	a := &asker{repo: r, snapshots: snapshots, condition: condition}
	for i := len(snapshots) - 1; i >= 0; i-- {
		a.answers = append(a.answers, Answer{Snapshot: snapshots[i]})
	}
	return a
}

// finish adds to a result how it was found.
func (a *asker) finish(ctx context.Context, f *Found, err error) (*Found, error) {
	if err != nil {
		return nil, err
	}
	f.Snapshots, f.Asked, f.Skipped = a.snapshots, a.asked, a.skipped
	return f, a.skipped.settle(ctx, a.repo)
}

// first finds the first true answer by bisection.
func (a *asker) first(ctx context.Context) (*Found, error) {
	newest, err := a.nearest(ctx, len(a.answers)-1, -1, -1)
	if err != nil {
		return nil, err
	}
	if newest < 0 {
		return &Found{}, nil
	}
	switch last := a.answers[newest]; last.Truth {
	case CannotTell:
		if errors.Is(a.failure, ErrCondition) {
			return nil, a.failure
		}
		return nil, outcome.Failed("--until ends before that snapshot, and --linear asks each.", "snapshot %s: %w", last.Snapshot.ID.Short(), a.failure)
	case False:
		return nil, outcome.Failed("--linear asks each snapshot, for a condition that comes and goes.", "snapshot %s: %w", last.Snapshot.ID.Short(), ErrNotYet)
	}
	no, yes, err := a.bisect(ctx, newest)
	if err != nil {
		return nil, err
	}
	f := &Found{First: &a.answers[yes]}
	if no >= 0 {
		f.Before = &a.answers[no]
	}
	return f, nil
}

// bisect returns the last place without a true answer, -1 for none, and the first one with it. The answer at yes is true.
func (a *asker) bisect(ctx context.Context, yes int) (no, first int, err error) {
	no = -1
	oldest, err := a.nearest(ctx, 0, yes, 1)
	if err != nil || oldest < 0 {
		return -1, yes, err
	}
	if a.answers[oldest].Truth == True {
		return -1, oldest, nil
	}
	for no = oldest; ; {
		middle, err := a.between(ctx, no, yes)
		switch {
		case err != nil || middle < 0:
			return no, yes, err
		case a.answers[middle].Truth == True:
			yes = middle
		default:
			no = middle
		}
	}
}

// between returns a readable place between two others, as near to the middle as there is one, -1 for none.
func (a *asker) between(ctx context.Context, low, high int) (int, error) {
	middle := (low + high) / 2
	if middle > low {
		if found, err := a.nearest(ctx, middle, high, 1); found >= 0 || err != nil {
			return found, err
		}
	}
	return a.nearest(ctx, middle-1, low, -1)
}

// nearest returns the first readable place from one place on, before another, in steps. It returns -1 for none.
func (a *asker) nearest(ctx context.Context, from, end, step int) (int, error) {
	for i := from; i >= 0 && (i-end)*step < 0; i += step {
		if err := a.ask(ctx, i); err != nil {
			return -1, err
		}
		if a.answers[i].Truth != Unreadable {
			return i, nil
		}
	}
	return -1, nil
}

// changes asks all snapshots.
func (a *asker) changes(ctx context.Context) (*Found, error) {
	f := &Found{}
	all := true
	var before *Answer // of the last snapshot that could be read
	for i := range a.answers {
		if err := a.ask(ctx, i); err != nil {
			return nil, err
		}
		told := a.answers[i]
		if told.Truth == Unreadable {
			continue
		}
		all = all && told.Truth == CannotTell
		if told.Truth == True && f.First == nil {
			f.First, f.Before = &a.answers[i], before
		}
		before = &a.answers[i]
		if n := len(f.Changes); n > 0 && f.Changes[n-1].Truth == told.Truth && f.Changes[n-1].Reason == told.Reason {
			continue
		}
		f.Changes = append(f.Changes, told)
	}
	if all && a.failure != nil {
		return nil, a.failure
	}
	return f, nil
}

// ask has one snapshot answer, unless it has answered before. A snapshot with the image of the one before it has the same answer.
func (a *asker) ask(ctx context.Context, i int) error {
	mine := &a.answers[i]
	if mine.Truth != NotAsked {
		return nil
	}
	if i > 0 && sameImage(mine.Snapshot, a.answers[i-1].Snapshot) {
		if last := a.answers[i-1]; last.Truth != NotAsked && last.Truth != Unreadable {
			mine.Truth, mine.Reason = last.Truth, last.Reason
			return nil
		}
	}
	a.asked++
	truth, err := a.evaluate(ctx, mine.Snapshot)
	switch {
	case err == nil:
		mine.Truth = truth
	case errors.Is(err, sqlite.ErrSQL), errors.Is(err, sqlite.ErrUnparsed), errors.Is(err, ErrCondition):
		a.failure = err
		mine.Truth, mine.Reason = CannotTell, plain(err)
	case errors.Is(err, sqlite.ErrReadOnly):
		return outcome.Usage("A condition is a SELECT that gives 0 or 1.", "a snapshot cannot be changed: only statements that read can be run")
	default:
		mine.Truth = Unreadable
		return a.skipped.add(ctx, mine.Snapshot, err)
	}
	return nil
}

// sameImage reports whether two snapshots have the same bytes.
func sameImage(a, b *snapshot.Snapshot) bool { return a.Image().Root == b.Image().Root }

// plain returns what SQLite says, without firn's words around it.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), sqlite.ErrSQL.Error()+": ")
	if at := strings.LastIndex(text, " (SQLite code "); at > 0 {
		text = text[:at]
	}
	return text
}

// evaluate runs the condition on a snapshot.
func (a *asker) evaluate(ctx context.Context, s *snapshot.Snapshot) (truth Truth, err error) {
	image, err := a.repo.ImageAt(ctx, s)
	if err != nil {
		return NotAsked, err
	}
	view, err := sqlite.OpenView(ctx, image, image.Size())
	if err != nil {
		return NotAsked, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	c, err := view.Open(a.condition)
	if err != nil {
		return NotAsked, err
	}
	defer c.Close()
	if n := len(c.Columns()); n != 1 {
		return NotAsked, outcome.Usage("A condition is a SELECT that gives 0 or 1.", "%w: it has %d columns", ErrCondition, n)
	}
	values := make([]any, 1)
	if more, err := c.Next(values); err != nil || !more {
		return False, err
	}
	return truthOf(values[0])
}

// truthOf returns whether a value is true.
func truthOf(value any) (Truth, error) {
	switch value {
	case nil, int64(0), 0.0:
		return False, nil
	}
	switch value.(type) {
	case int64, float64:
		return True, nil
	}
	return NotAsked, outcome.Usage(`Compare it with something: SELECT name = 'Ada' FROM users WHERE id = 4711.`,
		"%w: it gives a text or a blob, and not a number", ErrCondition)
}

// String returns the answer for people.
func (a Answer) String() string {
	if a.Reason == "" {
		return a.Truth.String()
	}
	return fmt.Sprintf("%v: %s", a.Truth, diff.Printable(a.Reason))
}
