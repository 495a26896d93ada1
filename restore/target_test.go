package restore_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"firn/restore"
	"firn/sqlite"
)

// A target that is no database is refused by the plan, and by a run without one. It is kept as a file if no application has
// it open.
func TestDamagedTarget(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.backUp(t)
	text := strings.Repeat("not a database ", 100)
	p.write(t, "app.db", text)
	op := p.begin(t, restore.Options{Environment: "production", Snapshot: "latest"})
	if _, err := op.Plan(t.Context()); !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("planned: got %v", err)
	}
	if result, err := op.Run(t.Context()); !errors.Is(err, sqlite.ErrNotDatabase) || result != nil {
		t.Errorf("ran: got %+v, %v", result, err)
	}
	if got, err := os.ReadFile(p.path("app.db")); err != nil || string(got) != text {
		t.Errorf("the target holds %q, %v", got, err)
	}

	op = p.begin(t, restore.Options{Environment: "production", Snapshot: "latest", Offline: true})
	plan, err := op.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !plan.KeepsFile() || plan.SavesSnapshot() || !errors.Is(plan.Target.Damage, sqlite.ErrNotDatabase) || plan.Target.Size != int64(len(text)) {
		t.Errorf("got the plan %+v", plan)
	}
	if rows, err := op.CountRows(t.Context()); rows != nil || err != nil {
		t.Errorf("counted %v, %v", rows, err)
	}
	result, err := op.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(result.Kept); err != nil || string(kept) != text || result.Saved != nil {
		t.Errorf("kept %q, %v, and saved %v", kept, err, result.Saved)
	}
	if got := p.content(t, "app.db"); got != "one" {
		t.Errorf("got %s", got)
	}
}

// A plan for a target that is missing, or empty, has nothing to save.
func TestMissingTarget(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Missing", "Empty"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.backUp(t)
			if name == "Empty" {
				p.write(t, "out.db", "")
			}
			op := p.begin(t, restore.Options{From: "production", Snapshot: "latest", Target: p.path("out.db")})
			plan, err := op.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if plan.Target.Exists || plan.SavesSnapshot() || plan.KeepsFile() || plan.Target.Environment != "" {
				t.Errorf("got the plan %+v", plan)
			}
			result, err := op.Run(t.Context())
			if err != nil || result.Saved != nil || result.Kept != "" || p.content(t, "out.db") != "one" {
				t.Errorf("got %+v, %v", result, err)
			}
		})
	}
}
