package history_test

import (
	"errors"
	"strings"
	"testing"

	"firn/history"
	"firn/rows"
)

// TestTableOracle compares the events of the table of random histories with what plain SQL says of restored files.
func TestTableOracle(t *testing.T) {
	t.Parallel()
	eachHistory(t, count(4), 3, func(a *author) {
		o := newOracle(t, a.w)
		defer o.close()
		o.compareTable(t)
	})
}

// compareTable compares the events of the table with the definitions, the numbers of rows and the contents before and after.
func (o *oracle) compareTable(t *testing.T) {
	t.Helper()
	events := make(map[int]history.TableEvent)
	_, err := history.OfTable(t.Context(), o.w.repo, o.w.snapshots, "T", func(e history.TableEvent) error {
		events[o.w.place(e.Snapshot)] = e
		return nil
	})
	exists := false
	for i, after := range o.databases {
		exists = exists || o.definition(t, after) != ""
		if i == 0 {
			continue
		}
		before := o.databases[i-1]
		was, is := o.definition(t, before), o.definition(t, after)
		e, changed := events[i]
		if e.Made != (was == "" && is != "") || e.Dropped != (was != "" && is == "") || e.Redefined != (was != "" && is != "" && was != is) {
			t.Errorf("snapshot %d: got made %v, dropped %v, redefined %v; the definition was %q and is %q", i, e.Made, e.Dropped, e.Redefined, was, is)
		}
		if got, want := e.Rows.Added-e.Rows.Removed, int64(len(o.content(t, after))-len(o.content(t, before))); e.Rows.Note == "" && got != want {
			t.Errorf("snapshot %d: %d rows more, want %d", i, got, want)
		}
		if !changed && strings.Join(o.content(t, before), "\n") != strings.Join(o.content(t, after), "\n") {
			t.Errorf("snapshot %d: no event, and the rows differ", i)
		}
	}
	if !exists != errors.Is(err, rows.ErrNoTable) || exists && err != nil {
		t.Errorf("got %v, and a snapshot has the table: %v", err, exists)
	}
}

// definition returns the definition of the table, "" for no table.
func (o *oracle) definition(t *testing.T, db *restored) string {
	t.Helper()
	return strings.Join(texts(t, db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 't'"), "")
}

// content returns all rows of the table.
func (o *oracle) content(t *testing.T, db *restored) []string {
	t.Helper()
	names := texts(t, db, "SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('t')")
	if len(names) == 0 {
		return nil
	}
	return texts(t, db, "SELECT "+strings.Join(names, " || ',' || ")+" FROM t ORDER BY 1")
}

// TestTableStops ends a history by an error of the function that gets the events.
func TestTableStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(a)")
	for range 3 {
		w.exec(t, "INSERT INTO t VALUES (1)")
		w.take(t, "production")
	}
	enough, calls := errors.New("enough"), 0
	_, err := history.OfTable(t.Context(), w.repo, w.snapshots, "t", func(history.TableEvent) error { calls++; return enough })
	if err != enough || calls != 1 {
		t.Errorf("got %v after %d calls, want %v after 1", err, calls, enough)
	}
}
