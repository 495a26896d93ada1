package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"firn/chunk"
	"firn/outcome"
	"firn/repo"
	"firn/rows"
	"firn/snapshot"
	"firn/sqlite"
)

// walk goes through snapshots, from the newest to the oldest, with one question about a row.
type walk struct {
	repo      *repo.Repo
	snapshots []*snapshot.Snapshot
	table     string
	key       rows.Key
	bounds    Bounds

	noted   int   // snapshots that have told something
	held    int64 // bytes of the versions
	rest    []*snapshot.Snapshot
	runs    []run // the newest first
	found   *rows.Table
	asked   int // snapshots that SQLite has read
	skipped skipped
}

// run asks the newest snapshot, goes on to the first older one for which the answer may not hold, asks that one, and so on.
func (w *walk) run(ctx context.Context) error {
	for at := 0; at < len(w.snapshots); {
		if w.noted > 1 && w.bounds.reached(w.held) {
			w.stop(at)
			return nil
		}
		s := w.snapshots[at]
		at++
		answer, proof, err := w.ask(ctx, s)
		if err != nil {
			if err := w.skipped.add(ctx, s, err); err != nil {
				return err
			}
			continue
		}
		if err := w.judge(answer); err != nil {
			return fmt.Errorf("snapshot %s: %w", s.ID.Short(), err)
		}
		w.note(s, answer.state)
		if at, err = w.follow(ctx, at, proof, s.Image().Root); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the walk before a snapshot. The rest begins with the last one that has told something.
func (w *walk) stop(at int) {
	last := w.runs[len(w.runs)-1].oldest
	from := slices.Index(w.snapshots, last)
	w.rest, w.snapshots = w.snapshots[from:], w.snapshots[:at]
}

// answer is what a snapshot tells, with the error for which it does not know the row.
type answer struct {
	state
	err error
}

// judge returns an error if the key does not fit the newest of the snapshots that have the table, and binds it to that table. An
// older table may be another one: that is an answer.
func (w *walk) judge(a answer) error {
	if w.found != nil || a.table == nil {
		return nil
	}
	w.found = a.table
	if errors.Is(a.err, rows.ErrKey) {
		return keyError(a.err, a.table)
	}
	if err := a.table.CheckUnique(w.key); err != nil {
		return keyError(err, a.table)
	}
	var err error
	w.key, err = a.table.Bind(w.key)
	return err
}

// keyError is the error for a key that does not fit, with the keys that do.
func keyError(err error, t *rows.Table) error {
	return outcome.Usage(t.Keys()+" --by names a unique column, or rowid.", "%w", err)
}

// ask has SQLite look for the row in a snapshot. It returns what that was read for.
func (w *walk) ask(ctx context.Context, s *snapshot.Snapshot) (a answer, proof *evidence, err error) {
	w.asked++
	image, err := w.repo.ImageAt(ctx, s)
	if err != nil {
		return a, nil, err
	}
	read := watch(image)
	if a, err = w.look(ctx, read); err != nil {
		return a, nil, err
	}
	proof, err = read.evidence()
	return a, proof, err
}

// look looks for the row in an image.
func (w *walk) look(ctx context.Context, image *watched) (a answer, err error) {
	db, err := rows.Open(ctx, image, image.Size())
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if w.bounds.Longest > 0 {
		db.LimitLength(w.bounds.Longest)
	}
	a.table, err = db.Table(w.table)
	if errors.Is(err, rows.ErrNoTable) {
		a.reason, a.err = err.Error(), err
		return a, nil
	}
	if err == nil {
		a.row, err = db.Row(a.table, w.key)
	}
	if isAnswer(err) {
		a.unknown, a.reason, a.err = true, plain(err), err
		err = nil
	}
	return a, err
}

// isAnswer reports whether an error says of a snapshot that it has no such row that firn could find.
func isAnswer(err error) bool {
	for _, target := range []error{rows.ErrKey, rows.ErrSeveral, sqlite.ErrSQL, sqlite.ErrUnparsed} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// mostAtOnce is the number of snapshots that are compared at once, so that a distant store answers many requests at a time.
const mostAtOnce = 16

// follow goes on from a snapshot, as long as the evidence for the last answer holds. It returns the first one for which it does
// not. It looks at more snapshots at once the longer that goes well.
func (w *walk) follow(ctx context.Context, at int, proof *evidence, root chunk.ID) (int, error) {
	last := w.runs[len(w.runs)-1].state
	known := map[chunk.ID]bool{root: true}
	for width := 1; at < len(w.snapshots) && !w.bounds.reached(w.held); width = min(2*width, mostAtOnce) {
		batch := w.snapshots[at:min(at+width, len(w.snapshots))]
		for i, found := range w.compare(ctx, batch, proof, known) {
			switch {
			case found.err != nil:
				if err := w.skipped.add(ctx, batch[i], found.err); err != nil {
					return at, err
				}
			case !found.holds:
				return at, nil
			default:
				known[batch[i].Image().Root] = true
				w.note(batch[i], last)
			}
			at++
		}
	}
	return at, nil
}

// comparison is whether the evidence holds for a snapshot.
type comparison struct {
	holds bool
	err   error
}

// compare compares snapshots with the evidence, all at once. Those with a known image are not read.
func (w *walk) compare(ctx context.Context, batch []*snapshot.Snapshot, proof *evidence, known map[chunk.ID]bool) []comparison {
	found := make([]comparison, len(batch))
	var comparing sync.WaitGroup
	for i, s := range batch {
		if known[s.Image().Root] {
			found[i].holds = true
			continue
		}
		comparing.Go(func() {
			image, err := w.repo.ImageAt(ctx, s)
			if err != nil {
				found[i].err = err
				return
			}
			found[i].holds, found[i].err = proof.holds(image)
		})
	}
	comparing.Wait()
	return found
}

// note adds a snapshot to the last run if it tells the same, or begins a new run.
func (w *walk) note(s *snapshot.Snapshot, told state) {
	w.noted++
	if n := len(w.runs); n > 0 {
		last := &w.runs[n-1]
		if same(told, last.state) {
			last.oldest, last.reason = s, told.reason // the reason for the event at the beginning of the run
			return
		}
		share(told.row, last.row)
	}
	w.runs = append(w.runs, run{told, s, s})
	for _, f := range told.row {
		switch v := f.Value.(type) {
		case string:
			w.held += int64(len(v))
		case []byte:
			w.held += int64(len(v))
		}
	}
}
