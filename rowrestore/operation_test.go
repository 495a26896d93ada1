package rowrestore_test

import (
	"strings"
	"testing"
	"time"

	"firn/backup"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/restore"
	"firn/rowrestore"
	"firn/sqlite/rowsync"
)

// options are those of a restore of rows of the newest snapshot.
func options(r rowsync.Request) rowrestore.Options {
	if r.Table == "" {
		r.Table = "t"
	}
	return rowrestore.Options{Options: restore.Options{Environment: "app", Snapshot: "latest"}, Request: r}
}

func begin(t *testing.T, f *sessiontest.Fixture, o rowrestore.Options) *rowrestore.Operation {
	t.Helper()
	op, err := rowrestore.New(f.Session, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := op.Close(); err != nil {
			t.Error(err)
		}
	})
	return op
}

// A plan changes nothing, a run does what it says, and an undo brings back what was there.
func TestPlanRunUndo(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Exec(t, "INSERT INTO t VALUES (1), (2)")
	taken := f.Take(t, backup.Options{})
	f.Exec(t, "DELETE FROM t WHERE a = 1", "INSERT INTO t VALUES (3)")

	op := begin(t, f, options(rowsync.Request{}))
	plan, err := op.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if table := plan.Rows.Tables[0]; plan.Snapshot.ID != taken.ID || table.Inserted != 1 || table.Same != 1 || !table.ByRowid {
		t.Errorf("got the plan %+v", table)
	}
	result, err := op.Run(t.Context())
	if err != nil || result.Saved == nil {
		t.Fatalf("got %+v, %v, want a saved snapshot", result, err)
	}
	if _, err := op.Run(t.Context()); err == nil {
		t.Error("the second run: got no error")
	}
	again := begin(t, f, options(rowsync.Request{}))
	if result, err := again.Run(t.Context()); err != nil || result.Saved != nil {
		t.Errorf("with nothing to do: got %+v, %v", result, err)
	}
	undo, err := restore.New(f.Session, restore.Options{Environment: "app", Undo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer undo.Close()
	if undone, err := undo.Run(t.Context()); err != nil || undone.Saved == nil {
		t.Fatalf("undo: got %+v, %v", undone, err)
	}
	if plan, err := begin(t, f, options(rowsync.Request{})).Plan(t.Context()); err != nil || plan.Rows.Tables[0].Inserted != 1 {
		t.Errorf("after the undo: got the plan %+v, %v", plan, err)
	}
}

// What a person can do is said with each error.
func TestHints(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Take(t, backup.Options{})
	for _, tt := range []struct {
		change  func(*rowrestore.Options)
		message string
		hint    string
	}{
		{func(o *rowrestore.Options) { o.Table = "" }, "no table is named", ""},
		{func(o *rowrestore.Options) { o.Mode = "merge" }, `--mode "merge" is no mode`, ""},
		{func(o *rowrestore.Options) { o.Undo, o.Snapshot = true, "" }, "do not go with --table", ""},
		{func(o *rowrestore.Options) { o.Table = "u" }, `the database has no table "u"`, ""},
		{func(o *rowrestore.Options) { o.Where = "nope" }, "no such column: nope", "--where is one expression"},
		{func(o *rowrestore.Options) { o.Environment, o.Target, o.From = "", f.Path("none.db"), "app" }, "no database to which rows could be added", "whole database"},
		{func(o *rowrestore.Options) {
			o.Where, o.Limit = "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT max(i) FROM c)", time.Nanosecond
		}, "the time for reading the snapshot is over", "--limit"},
	} {
		o := options(rowsync.Request{})
		tt.change(&o)
		op, err := rowrestore.New(f.Session, o)
		if err == nil {
			_, err = op.Plan(t.Context())
			op.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("got %v, want %q", err, tt.message)
			continue
		}
		if _, hint := outcome.Classify(err); !strings.Contains(hint, tt.hint) {
			t.Errorf("%v: got the hint %q, want %q", err, hint, tt.hint)
		}
	}
}

// A script has the values as literals, and is refused where SQL has none.
func TestScript(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Exec(t, "INSERT INTO t VALUES ('it''s' || char(0)), (x'00ff'), (0.1), (CAST(x'ff' AS TEXT)), (NULL), (-9223372036854775808)")
	f.Take(t, backup.Options{})
	f.Exec(t, "DELETE FROM t", "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END")
	plan, err := begin(t, f, options(rowsync.Request{})).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	if err := plan.WriteScript(&script); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"BEGIN IMMEDIATE;\n", "COMMIT;\n", "has triggers, which run", `INSERT INTO main."t"(rowid, "a") VALUES (1, 'it''s'||char(0));`,
		"(2, x'00ff');", "(3, 0.1);", "(4, CAST(x'ff' AS TEXT));", "(5, NULL);", "(6, -9223372036854775808);",
	} {
		if !strings.Contains(script.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", script.String(), want)
		}
	}
	plan.Rows.Encoding = "UTF-16le"
	if err := plan.WriteScript(&script); err == nil {
		t.Error("a text without a literal: got no error")
	}
}
