package rowsync_test

import (
	"testing"

	"firn/sqlite/rowsync"
)

// TestConditionWithParameters names rows by values that no literal of SQL says well, in the image and, with replace, in the database.
func TestConditionWithParameters(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		p := newPair(t, "PRAGMA encoding = '"+encoding+"'; CREATE TABLE t(k PRIMARY KEY, v); INSERT INTO t VALUES ('a' || char(0) || 'b', 1), (x'00ff', 2), ('c', 3), (4, 4)",
			"DELETE FROM t; INSERT INTO t VALUES ('d', 5), ('e', 6), (4, 40)")
		request := rowsync.Request{
			Table: "t", Mode: rowsync.Replace, Where: `("k") IN (VALUES (?), (?), (?), (?))`, Args: []any{"a\x00b", []byte{0, 0xff}, int64(4), "d"},
		}
		s, plan, err := p.plan(t, request)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.Tables[0]; got.Inserted != 2 || got.Changed != 1 || got.Deleted != 1 {
			t.Errorf("%s: got the plan %+v", encoding, got)
		}
		if err := s.Apply(t.Context(), p.path, plan, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got, want := rows(t, p.path, "SELECT v FROM t ORDER BY v"), "1\n2\n4\n6"; got != want {
			t.Errorf("%s: got %v, want %v", encoding, got, want)
		}
	}
	p := newPair(t, "CREATE TABLE t(a)", "")
	for _, args := range [][]any{{}, {int64(1), int64(2)}} {
		if _, _, err := p.plan(t, rowsync.Request{Table: "t", Where: "a = ?", Args: args}); err == nil {
			t.Errorf("%d values for one parameter: got no error", len(args))
		}
	}
}
