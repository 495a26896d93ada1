package history_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/history"
	"firn/rows"
)

// always are bounds that are reached.
func always() history.Bounds {
	done := make(chan struct{})
	close(done)
	return history.Bounds{Done: done}
}

// TestPartsAreTheWhole puts the parts of random histories together, each as short as it can be, and compares them with the whole.
func TestPartsAreTheWhole(t *testing.T) {
	t.Parallel()
	compared := 0
	histories := max(count(4), 20) // of half of them, no row can be compared
	eachHistory(t, histories, 5, func(a *author) {
		o := newOracle(t, a.w)
		defer o.close()
		for _, key := range keys(t, a.r, o.databases) {
			if key[0] == "" && len(key) == 2 {
				compared += a.w.compareParts(t, rows.Key{Words: key[1:]})
			}
		}
		a.w.compareTableParts(t)
	})
	if compared == 0 {
		t.Error("no history of a row was compared")
	}
}

// compareParts compares the events of a row, and returns how many there were.
func (w *world) compareParts(t *testing.T, key rows.Key) int {
	t.Helper()
	whole, err := history.OfRow(t.Context(), w.repo, w.snapshots, "t", key)
	if err != nil {
		return 0 // the key does not fit
	}
	var got []string
	for list := w.snapshots; list != nil; {
		part, err := history.RecentOfRow(t.Context(), w.repo, list, "t", key, always())
		if errors.Is(err, rows.ErrKey) || errors.Is(err, rows.ErrNoTable) {
			return 0 // the table had another key, or was not there: the whole calls that unknown
		}
		if err != nil {
			t.Fatal(err)
		}
		var some []string
		for _, e := range part.Events {
			if e.Before != nil || part.Rest == nil {
				some = append(some, e.Kind+" "+e.Snapshot.ID.String())
			}
		}
		got = append(some, got...)
		if part.Rest != nil && len(part.Rest) >= len(list) {
			t.Fatalf("a part of %d snapshots leaves %d", len(list), len(part.Rest))
		}
		list = part.Rest
	}
	var want []string
	for _, e := range whole.Events {
		want = append(want, e.Kind+" "+e.Snapshot.ID.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("row %s: got %v, want %v", key, got, want)
	}
	return len(want)
}

// compareTableParts compares the events of the table.
func (w *world) compareTableParts(t *testing.T) {
	t.Helper()
	var got, want []string
	describe := func(e history.TableEvent) string {
		return fmt.Sprintln(e.Snapshot.ID, e.Before.ID, e.Rows, e.Remark())
	}
	_, err := history.OfTable(t.Context(), w.repo, w.snapshots, "t", func(e history.TableEvent) error {
		want = append(want, describe(e))
		return nil
	})
	if err != nil {
		return // no snapshot has the table
	}
	slices.Reverse(want)
	for list := w.snapshots; list != nil; {
		part, err := history.RecentOfTable(t.Context(), w.repo, list, "t", always(), func(e history.TableEvent) error {
			got = append(got, describe(e))
			return nil
		})
		if errors.Is(err, rows.ErrNoTable) {
			break // it was not made yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.Rest != nil && len(part.Rest) >= len(list) {
			t.Fatalf("a part of %d snapshots leaves %d", len(list), len(part.Rest))
		}
		list = part.Rest
	}
	if !slices.Equal(got, want) {
		t.Errorf("table: got %v, want %v", got, want)
	}
}

func TestKeyOfValuesFindsTheVeryRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(a, b BLOB, c, PRIMARY KEY (a, b)) WITHOUT ROWID",
		"INSERT INTO t VALUES (1, x'00', 'number'), ('1', x'00', 'text'), (x'31', x'00', 'blob'), (CAST(x'610062ff' AS TEXT), x'', 'odd')")
	w.take(t, "app")
	for name, values := range map[string][]any{
		"number": {int64(1), []byte{0}}, "text": {"1", []byte{0}}, "blob": {[]byte("1"), []byte{0}}, "odd": {"a\x00b\xff", []byte{}},
	} {
		h, err := history.OfRow(t.Context(), w.repo, w.snapshots, "t", rows.Key{Values: values})
		if err != nil || len(h.Events) != 1 || h.Events[0].Row[2].Value != name {
			t.Errorf("%s: got %+v, %v", name, h, err)
		}
	}
	for _, values := range [][]any{{int64(1)}, {int64(1), nil, nil}} {
		if _, err := history.OfRow(t.Context(), w.repo, w.snapshots, "t", rows.Key{Values: values}); !errors.Is(err, rows.ErrKey) {
			t.Errorf("%v: got %v, want ErrKey", values, err)
		}
	}
}

func TestBoundsOfBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)", "INSERT INTO t VALUES (1, randomblob(3000)), (2, randomblob(9000))")
	for range 6 {
		w.exec(t, "UPDATE t SET a = randomblob(3000) WHERE id = 1")
		w.take(t, "app")
	}
	key := rows.Key{Words: []string{"1"}}
	part, err := history.RecentOfRow(t.Context(), w.repo, w.snapshots, "t", key, history.Bounds{Held: 10_000})
	if err != nil || len(part.Events) != 4 || len(part.Rest) != 3 {
		t.Errorf("10,000 bytes: got %d events and a rest of %d, %v, want 4 and 3", len(part.Events), len(part.Rest), err)
	}
	long, err := history.RecentOfRow(t.Context(), w.repo, w.snapshots, "t", rows.Key{Words: []string{"2"}}, history.Bounds{Longest: 5000})
	if err != nil || len(long.Events) != 1 || long.Events[0].Kind != history.Unknown || !strings.Contains(long.Events[0].Reason, "too big") {
		t.Errorf("a value above the limit: got %+v, %v", long, err)
	}
}
