package history_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"firn/history"
	"firn/sqlite"
	"firn/store/mem"
)

// TestFindOracle compares answers to random conditions with those of plain SQL on restored files.
func TestFindOracle(t *testing.T) {
	t.Parallel()
	eachHistory(t, count(4), 2, func(a *author) {
		o := newOracle(t, a.w)
		defer o.close()
		for _, condition := range []string{
			fmt.Sprintf("SELECT count(*) > %d FROM t", a.r.IntN(5)), "SELECT count(*) FROM other", "SELECT 1 FROM t WHERE id = 1",
			"SELECT b FROM t WHERE typeof(b) <> 'text' AND typeof(b) <> 'blob'", "SELECT max(rowid) > 2 FROM t", "SELECT NULL", "SELECT 0.0", "SELECT 0.5",
		} {
			o.compareAnswers(t, condition)
		}
	})
}

// truths returns the answers of all snapshots, the oldest first, by plain SQL.
func (o *oracle) truths(t *testing.T, condition string) (all []history.Truth) {
	t.Helper()
	for _, db := range o.databases {
		var value any
		rows, err := db.Query(condition)
		if err != nil {
			all = append(all, history.CannotTell)
			continue
		}
		truth := history.False
		if rows.Next() {
			if err := rows.Scan(&value); err != nil {
				t.Fatal(err)
			}
			if value != nil && value != int64(0) && value != 0.0 {
				truth = history.True
			}
		}
		rows.Close()
		all = append(all, truth)
	}
	return all
}

// compareAnswers compares both ways to find a condition.
func (o *oracle) compareAnswers(t *testing.T, condition string) {
	t.Helper()
	truths := o.truths(t, condition)
	last := len(truths) - 1
	found, err := history.First(t.Context(), o.w.repo, o.w.snapshots, condition)
	switch {
	case truths[last] == history.CannotTell:
		if !errors.Is(err, sqlite.ErrSQL) {
			t.Errorf("%s: got %v, want an error of SQL", condition, err)
		}
	case truths[last] == history.False:
		if !errors.Is(err, history.ErrNotYet) {
			t.Errorf("%s: got %v, want %v", condition, err, history.ErrNotYet)
		}
	case err != nil:
		t.Errorf("%s: %v", condition, err)
	default:
		o.checkFirst(t, condition, truths, found)
	}

	all, err := history.Changes(t.Context(), o.w.repo, o.w.snapshots, condition)
	var want []string
	tells := false
	for i, truth := range truths {
		if i == 0 || truth != truths[i-1] {
			want = append(want, fmt.Sprintf("%d %v", i, truth))
		}
		tells = tells || truth != history.CannotTell
	}
	if !tells {
		if !errors.Is(err, sqlite.ErrSQL) {
			t.Errorf("%s: got %v, want an error of SQL", condition, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", condition, err)
		return
	}
	o.checkLinear(t, condition, truths, all)
	var got []string
	for i, c := range all.Changes {
		if i > 0 && c.Truth == all.Changes[i-1].Truth {
			continue // it cannot be asked for another reason
		}
		got = append(got, fmt.Sprintf("%d %v", o.w.place(c.Snapshot), c.Truth))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", condition, got, want)
	}
}

// checkLinear checks the first snapshot where the condition is true, and the one before it.
func (o *oracle) checkLinear(t *testing.T, condition string, truths []history.Truth, f *history.Found) {
	t.Helper()
	want := slices.Index(truths, history.True)
	if want < 0 != (f.First == nil) || want <= 0 && f.Before != nil {
		t.Errorf("%s: got %v, %v of %v", condition, f.First, f.Before, truths)
	} else if want > 0 && (o.w.place(f.First.Snapshot) != want || o.w.place(f.Before.Snapshot) != want-1 || f.Before.Truth != truths[want-1]) {
		t.Errorf("%s: got %d, %d of %v", condition, o.w.place(f.First.Snapshot), o.w.place(f.Before.Snapshot), truths)
	}
}

// checkFirst checks what bisection has found: a snapshot where the condition is true, behind one where it is not. If it has become true
// once, that is the first one.
func (o *oracle) checkFirst(t *testing.T, condition string, truths []history.Truth, f *history.Found) {
	t.Helper()
	first, before := o.w.place(f.First.Snapshot), -1
	if f.Before != nil {
		before = o.w.place(f.Before.Snapshot)
	}
	if before != first-1 || truths[first] != history.True || before >= 0 && truths[before] != f.Before.Truth || before >= 0 && truths[before] == history.True {
		t.Errorf("%s: got first %d, before %d, of %v", condition, first, before, truths)
	}
}

// TestFindAsksFew counts how many snapshots bisection asks.
func TestFindAsksFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(a)")
	const snapshots, gone = 64, 41
	for i := range snapshots {
		w.exec(t, fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
		w.take(t, "production")
	}
	f, err := history.First(t.Context(), w.repo, w.snapshots, fmt.Sprintf("SELECT count(*) > %d FROM t", gone))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.place(f.First.Snapshot); got != gone {
		t.Errorf("first: got %d, want %d", got, gone)
	}
	if f.Asked > 8 {
		t.Errorf("asked %d of %d snapshots, want 8 at most: both ends, and log2 of all", f.Asked, snapshots)
	}
}

// TestFindEnds interrupts a query that never ends.
func TestFindEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(a)")
	w.take(t, "production")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := w.open(t, &hooked{w.store, func() { cancel() }}) // the query goes on for ever after its first read
	_, err := history.First(ctx, r, w.snapshots, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, t")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// hooked is a store that calls a function when a part of a pack was read.
type hooked struct {
	*mem.Store
	read func()
}

func (h *hooked) Get(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	b, err := h.Store.Get(ctx, name, offset, length)
	if offset > 0 {
		h.read()
	}
	return b, err
}
