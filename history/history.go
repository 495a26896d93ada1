// Package history tells what has happened to rows and tables, as the snapshots of a database show it, and since when a condition
// in SQL is true. It reads as little of each snapshot as it can.
package history

import (
	"context"
	"fmt"

	"firn/diff"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/rows"
	"firn/snapshot"
)

// Row is the history of a row.
type Row struct {
	Table     string // as the newest snapshot with that table spells it
	Key       rows.Key
	ByRowID   bool                 // the key is a rowid that is no column: SQLite may give it to another row
	Events    []Event              // the oldest first; empty if no snapshot has the row
	Snapshots []*snapshot.Snapshot // that were looked at, the newest first
	Rest      []*snapshot.Snapshot // of [RecentOfRow]: where to go on; nil if all were looked at
	Asked     int                  // of how many of them SQLite has read the row; the others were compared with these
	Skipped   []Skipped            // snapshots that could not be read
}

// OfRow finds all versions of a row in snapshots of one database, given newest first. The key fits the newest of them that have the
// table. In an older one it may not: that is an [Unknown] event.
//
// OfRow fails with [rows.ErrNoTable] if no snapshot has the table, with [rows.ErrKey] for a key that does not fit, and with the
// context's error. Damaged snapshots are left out: see [Damage].
func OfRow(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, table string, key rows.Key) (*Row, error) {
	return RecentOfRow(ctx, r, snapshots, table, key, Bounds{})
}

// Bounds bound what a part of a history costs. A zero value is no bound.
type Bounds struct {
	Done    <-chan struct{} // closed when no older snapshots are wanted
	Held    int64           // bytes of the versions of a row, after which no older ones are wanted
	Longest int32           // bytes of a value or a row, of which a longer one is not read: see [Unknown]
}

// reached reports whether versions of a size are enough.
func (b Bounds) reached(held int64) bool {
	select {
	case <-b.Done:
		return true
	default:
		return b.Held > 0 && held > b.Held
	}
}

// RecentOfRow is [OfRow] for a person who waits. When a bound is reached it looks at no older snapshots, and returns what it has
// found in the newer ones. The rest of the history is that of [Row.Rest], which begins with the last snapshot that was looked at, so
// that nothing is lost between the two parts. Each part gets on by a snapshot at least. A part fails with [rows.ErrNoTable] only if
// there is no rest.
func RecentOfRow(ctx context.Context, r *repo.Repo, snapshots []*snapshot.Snapshot, table string, key rows.Key, bounds Bounds) (*Row, error) {
	w := &walk{repo: r, snapshots: snapshots, table: table, key: key, bounds: bounds}
	if err := w.run(ctx); err != nil {
		return nil, fmt.Errorf("history of table %s: %w", diff.Identifier(table), err)
	}
	if err := w.skipped.settle(ctx, r); err != nil {
		return nil, err
	}
	if w.found == nil && len(w.runs) > 0 && w.rest == nil {
		return nil, w.nowhere(ctx)
	}
	h := &Row{Table: table, Key: key, Events: events(w.runs), Snapshots: w.snapshots, Rest: w.rest, Asked: w.asked, Skipped: w.skipped}
	if w.found != nil {
		h.Table, h.ByRowID = w.found.Name, w.found.ByRowID(key)
	}
	return h, nil
}

// nowhere is the error for a table that no snapshot has, or none can read.
func (w *walk) nowhere(ctx context.Context) error {
	newest := w.runs[0]
	if newest.unknown {
		return outcome.Failed(`"firn query" reads other tables: those of a module often keep their rows in tables beside it.`,
			"table %s of snapshot %s: %s", diff.Identifier(w.table), newest.newest.ID.Short(), newest.reason)
	}
	hint := ""
	if names := w.names(ctx, newest.newest); len(names) > 0 {
		hint = "There are: " + joined(names) + "."
	}
	return noTable(hint, w.table, len(w.snapshots))
}

// noTable is the error for a table that none of so many snapshots has.
func noTable(hint, table string, snapshots int) error {
	return outcome.Failed(hint, "%w in %s: %s", rows.ErrNoTable, report.Plural(snapshots, "snapshot"), diff.Identifier(table))
}

// names returns the names of a snapshot's tables for a hint, none after an error.
func (w *walk) names(ctx context.Context, s *snapshot.Snapshot) []string {
	image, err := w.repo.ImageAt(ctx, s)
	if err != nil {
		return nil
	}
	db, err := rows.Open(ctx, image, image.Size())
	if err != nil {
		return nil
	}
	defer db.Close()
	names, _ := db.Names()
	return names
}
