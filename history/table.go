package history

import (
	"context"
	"errors"
	"slices"
	"strings"

	"firn/diff"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// TableEvent is what has happened to a table between two snapshots that follow one another.
type TableEvent struct {
	Snapshot   *snapshot.Snapshot // the first one after the event
	Before     *snapshot.Snapshot // the last one before it
	Rows       diff.Table         // how many were added, changed and removed
	Made       bool               // the table did not exist before
	Dropped    bool               // the table does not exist any more
	Redefined  bool               // its definition is another
	Came, Went []string           // columns that a redefined table has got and lost
}

// Table is the history of a table.
type Table struct {
	Table     string               // as the newest snapshot with that table spells it
	Snapshots []*snapshot.Snapshot // that were looked at, the newest first
	Rest      []*snapshot.Snapshot // of [RecentOfTable]: where to go on; nil if all were looked at
	Skipped   []Skipped            // snapshots that could not be compared with the one before
}

// OfTable compares snapshots of one database, given newest first, and calls each with every event of a table, the oldest first. It
// compares rows as package diff does. An error of the function ends the history and is returned.
//
// OfTable fails with [rows.ErrNoTable] if no snapshot has the table, with [diff.ErrVirtual], and with the context's error. Damaged
// snapshots are left out: see [Damage].
func OfTable(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, table string, each func(TableEvent) error) (*Table, error) {
	h := &tableWalk{repo: r, table: table, each: each, result: &Table{Table: table, Snapshots: snapshots}}
	for i := len(snapshots) - 1; i >= 0; i-- {
		if err := h.step(ctx, snapshots[i]); err != nil {
			return nil, err
		}
	}
	return h.end(ctx)
}

// RecentOfTable is [OfTable] for a person who waits: the newest event comes first. When a bound is reached it looks at no older
// snapshots. The rest of the history is that of [Table.Rest], which begins with the last snapshot that was looked at. Each part gets
// on by a snapshot at least, and fails with [rows.ErrNoTable] only if there is no rest.
func RecentOfTable(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, table string, bounds Bounds, each func(TableEvent) error) (*Table, error) {
	h := &tableWalk{repo: r, table: table, each: each, backwards: true, result: &Table{Table: table, Snapshots: snapshots}}
	for i, s := range snapshots {
		if h.good && h.base != h.first && bounds.reached(0) {
			h.result.Snapshots, h.result.Rest = snapshots[:i], snapshots[slices.Index(snapshots, h.base):]
			break
		}
		if err := h.step(ctx, s); err != nil {
			return nil, err
		}
	}
	return h.end(ctx)
}

// end returns the result.
func (h *tableWalk) end(ctx context.Context) (*Table, error) {
	if h.missing != nil && !h.found && h.result.Rest == nil {
		_, hint := outcome.Classify(h.missing)
		return nil, noTable(hint, h.table, len(h.result.Snapshots))
	}
	err := h.skipped.settle(ctx, h.repo)
	h.result.Skipped = h.skipped
	return h.result, err
}

// tableWalk goes through snapshots, from the oldest to the newest or backwards.
type tableWalk struct {
	repo      *repo.Repo
	table     string
	each      func(TableEvent) error
	backwards bool
	result    *Table
	skipped   skipped

	first   *snapshot.Snapshot // that could be compared with another one; nil at the beginning
	base    *snapshot.Snapshot // with which the next one is compared; nil at the beginning
	good    bool               // the base was compared before
	found   bool               // a snapshot has the table
	missing error              // the error of a pair of snapshots that do not have it
}

// step compares a snapshot with its base, which it then becomes.
func (h *tableWalk) step(ctx context.Context, s *snapshot.Snapshot) error {
	base := h.base
	if base == nil {
		base = s // alone it shows whether it has the table
	}
	from, to := base, s
	if h.backwards {
		from, to = s, base
	}
	err := h.compare(ctx, from, to)
	switch {
	case err == nil:
		if h.first == nil {
			h.first = base
		}
		h.base, h.good = s, true
		return nil
	case errors.As(err, new(refused)):
		return errors.Unwrap(err)
	case h.base != nil && h.good:
		h.good = false // if the next one cannot be compared with it either, then it is the base
		return h.skipped.add(ctx, s, err)
	}
	h.base = s
	return h.skipped.add(ctx, base, err)
}

// refused is an error of the function that gets the events.
type refused struct{ error }

// Unwrap returns the error of the function.
func (r refused) Unwrap() error { return r.error }

// compare compares two snapshots, and passes on what has happened between them.
func (h *tableWalk) compare(ctx context.Context, from, to *snapshot.Snapshot) error {
	if from != to && sameImage(from, to) {
		return nil
	}
	d, err := diff.Open(ctx, h.repo, from, to)
	if err != nil {
		return err
	}
	name, err := d.Name(h.table)
	if errors.Is(err, diff.ErrNoTable) {
		h.missing = err
		return nil
	}
	if err != nil {
		return err
	}
	if !h.backwards || !h.found {
		h.result.Table = name
	}
	h.found = true
	e := TableEvent{Snapshot: to, Before: from}
	if e.Rows, err = d.Rows(ctx, name, nil); err != nil {
		return err
	}
	if err := e.define(ctx, d, name); err != nil {
		return err
	}
	if !e.Rows.Differs() && !e.Made && !e.Dropped && !e.Redefined {
		return nil
	}
	if err := h.each(e); err != nil {
		return refused{err}
	}
	return nil
}

// define finds out how the definition of the table has changed.
func (e *TableEvent) define(ctx context.Context, d *diff.Comparison, name string) error {
	for _, c := range d.Schema() {
		if c.Type != "table" || !strings.EqualFold(c.Name, name) {
			continue
		}
		e.Made, e.Dropped, e.Redefined = c.Kind == diff.Added, c.Kind == diff.Removed, c.Kind == diff.Changed
		if !e.Redefined {
			return nil
		}
		before, err := columnNames(ctx, name, c.Before)
		if err != nil {
			return err
		}
		after, err := columnNames(ctx, name, c.After)
		e.Came, e.Went = without(after, before), without(before, after)
		return err
	}
	return nil
}

// columnNames returns the names of a table's columns, none for a definition that cannot be read.
func columnNames(ctx context.Context, table, definition string) (names []string, err error) {
	layout, err := sqlite.TableLayout(ctx, table, definition)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, c := range layout.Columns {
		names = append(names, c.Name)
	}
	return names, nil
}

// without returns the names of a list that another list does not have, in upper or lower case.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return strings.EqualFold(name, other) })
	})
}

// Remark says for people what has happened to the definition of the table and why its rows were not compared, "" for nothing.
func (e TableEvent) Remark() string {
	var parts []string
	for _, p := range []struct {
		is   bool
		text string
	}{
		{e.Made, "made"}, {e.Dropped, "dropped"},
		{len(e.Came) > 0, "new columns: " + joined(e.Came)}, {len(e.Went) > 0, "columns gone: " + joined(e.Went)},
		{e.Redefined && len(e.Came)+len(e.Went) == 0, "another definition"}, {e.Rows.Note != "", e.Rows.Note},
	} {
		if p.is {
			parts = append(parts, p.text)
		}
	}
	return strings.Join(parts, "; ")
}

// joined returns names as identifiers of SQL, one behind another.
func joined(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = diff.Identifier(n)
	}
	return strings.Join(quoted, ", ")
}
