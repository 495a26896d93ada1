package proof_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/proof"
	"firn/repo"
	"firn/snapshot"
)

// TestProveSame proves a snapshot of a database that has not changed since another one.
func TestProveSame(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	yesterday, monday, root, parent := now.Add(-24*time.Hour), now.Add(-72*time.Hour), snapshot.NewID(), snapshot.NewID()
	const bad = "its verify SQL returns 17"
	for name, tt := range map[string]struct {
		parent  snapshot.Verification
		since   snapshot.ID
		whole   time.Time
		problem string
	}{
		"Whole":        {snapshot.Verification{Time: yesterday, How: snapshot.HowPages}, parent, yesterday, ""},
		"Difference":   {snapshot.Verification{Time: yesterday, How: snapshot.HowDifference, Since: root, Whole: monday}, root, monday, ""},
		"Copy":         {snapshot.Verification{Time: yesterday, How: snapshot.HowDifference, Whole: monday}, snapshot.ID{}, monday, ""},
		"Drill":        {snapshot.Verification{Time: yesterday, How: snapshot.HowSQLite + snapshot.HowOwnSQL, Whole: monday}, parent, monday, ""},
		"Damaged":      {snapshot.Verification{Time: yesterday, How: snapshot.HowPages, Problem: "page 3"}, parent, yesterday, "page 3"},
		"BadRow":       {snapshot.Verification{Time: yesterday, How: snapshot.HowSQLite + snapshot.HowOwnSQL, Problem: bad}, parent, yesterday, ""},
		"DrillsBadRow": {snapshot.Verification{Time: yesterday, How: snapshot.HowDifference + snapshot.HowOwnSQL, Since: root, Whole: monday, Problem: bad}, root, monday, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := proof.Prover{Now: func() time.Time { return now }}
			got := p.Prove(t.Context(), &repo.Change{Parent: &snapshot.Snapshot{ID: parent, Verified: &tt.parent}, Same: true})
			want := snapshot.Verification{Time: now, How: snapshot.HowDifference, Since: tt.since, Whole: tt.whole, Problem: tt.problem}
			if got == nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestProveForeignKeys checks that foreign keys of a large database are left to verifications, and are in the chain behind one.
func TestProveForeignKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p, b); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, zeroblob(70000000))")
	older := readImage(t, path)
	dbtest.Exec(t, db, "INSERT INTO c VALUES (7, 0)")
	later := readImage(t, path)
	now := time.Now()
	p := proof.Prover{Now: func() time.Time { return now }}
	if got := p.Prove(t.Context(), changeOf(nil, later)); got == nil || !got.Sound() || got.How != "all pages" {
		t.Errorf("first: got %+v", got)
	}
	for how, want := range map[string]struct {
		how   string
		sound bool
	}{"all pages": {"what changed", true}, snapshot.HowSQLite: {snapshot.HowDifference, false}} {
		parent := &snapshot.Snapshot{ID: snapshot.NewID(), Verified: &snapshot.Verification{Time: now, How: how}}
		c := changeOf(parent, later)
		c.Older, c.OlderSize, c.Differing = bytes.NewReader(older), int64(len(older)), differing(older, later)
		if got := p.Prove(t.Context(), c); got == nil || got.Sound() != want.sound || got.How != want.how {
			t.Errorf("after %q: got %+v", how, got)
		}
	}
}

func changeOf(parent *snapshot.Snapshot, image []byte) *repo.Change {
	return &repo.Change{Parent: parent, Image: bytes.NewReader(image), Size: int64(len(image))}
}
