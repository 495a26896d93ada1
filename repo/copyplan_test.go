package repo_test

import (
	"maps"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store/mem"
)

// TestCopyAgain compares all objects of the target before and after a second run.
func TestCopyAgain(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	b := pages(1, 100)
	for i := range uint64(4) {
		c.take(t, "production", b)
		b = touch(b, i, 2)
	}
	c.copy(t)
	before := contents(t, c.to)
	if results := c.copy(t); len(results) > 0 {
		t.Errorf("the second run copies %d snapshots", len(results))
	}
	if !maps.Equal(before, contents(t, c.to)) {
		t.Error("the second run has changed the target")
	}
	// A copy of the copies, or of a copy back, is not copied.
	third := mem.New()
	if _, err := repo.Init(t.Context(), options(third), repo.NewKey{Credential: testKey}); err != nil {
		t.Fatal(err)
	}
	origin := func() *repo.Repo { return open(t, c.st) }
	target := func() *repo.Repo { return openOther(t, c.to) }
	for _, run := range []struct {
		name     string
		from, to func() *repo.Repo
		want     int
	}{
		{"Back", target, origin, 0},
		{"Third", target, func() *repo.Repo { return open(t, third) }, 4},
		{"ThirdFromOrigin", origin, func() *repo.Repo { return open(t, third) }, 0},
	} {
		_, results, err := copyAll(t.Context(), run.from(), run.to(), nil)
		if err != nil || len(results) != run.want {
			t.Errorf("%s: got %d copies, %v, want %d", run.name, len(results), err, run.want)
		}
	}
}

// TestCopyRules has the target keep less than the source. The outcome of its rules stays the same,
// whichever snapshots are copied and forgotten in between.
func TestCopyRules(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	day := time.Date(2026, 3, 1, 0, 12, 0, 0, time.UTC)
	rules := map[string]retention.Policy{"production": {Daily: 3, Last: 2}}
	b := pages(1, 20)
	for round := range 5 {
		for range 4 {
			c.takeAt(t, "production", day, b)
			day = day.Add(6 * time.Hour)
		}
		from, to := open(t, c.st), openOther(t, c.to)
		plan, results, err := copyAll(t.Context(), from, to, rules)
		if err != nil {
			t.Fatal(err)
		}
		if got, most := len(results), 4; got == 0 || got > most || plan.LeftOut == 0 {
			t.Errorf("round %d: got %d copies, %d left out, want at most %d", round, got, plan.LeftOut, most)
		}
		var ids []snapshot.ID
		for _, s := range plan.Expired {
			ids = append(ids, s.ID)
		}
		if err := to.Forget(t.Context(), ids...); err != nil {
			t.Fatal(err)
		}
		list, _ := to.Snapshots(t.Context())
		for _, g := range repo.Decide(list, rules["production"], time.Now()) {
			for _, d := range g.Decisions {
				if !d.Keep {
					t.Errorf("round %d: %s of %s would go", round, d.ID, d.Time)
				}
			}
		}
		again, _ := copier(t, from, to)
		sources, _ := from.Snapshots(t.Context())
		if p := again.Plan(sources, rules, time.Now()); len(p.Copy)+len(p.Expired) > 0 {
			t.Errorf("round %d: a second run would copy %d and remove %d", round, len(p.Copy), len(p.Expired))
		}
	}
}

// TestCopyConflict has a snapshot in the target that claims to be a copy, and is not.
func TestCopyConflict(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	s := c.take(t, "production", small)
	to := openOther(t, c.to)
	other := *take(t, to, "production", changed)
	other.Original = &snapshot.Origin{Repository: open(t, c.st).ID().String(), Snapshot: s.ID}
	copies, err := repo.NewCopier(open(t, c.st), []*snapshot.Snapshot{s}, to, []*snapshot.Snapshot{&other})
	if err != nil {
		t.Fatal(err)
	}
	if p := copies.Plan([]*snapshot.Snapshot{s}, nil, time.Now()); len(p.Conflicts) != 1 || len(p.Copy)+p.There > 0 {
		t.Errorf("got %+v", p)
	}
}
