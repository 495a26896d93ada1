package repo_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"firn/crypt"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
	"firn/tags"
)

// otherKey opens the repositories that tests copy to.
var otherKey = crypt.KeyFile{7, 7}.Credential()

func otherOptions(st store.Store) repo.Options {
	return repo.Options{Store: st, Credential: otherKey, Host: "copier", Tool: "firn test"}
}

func openOther(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	return openAs(t, otherOptions(st))
}

// copies is a repository, another one that its snapshots are copied to, and the
// images that are to be found there.
type copies struct {
	*world
	to *mem.Store
}

func newCopies(t testing.TB) *copies {
	t.Helper()
	c := &copies{newWorld(t), mem.New()}
	if _, err := repo.Init(t.Context(), otherOptions(c.to), repo.NewKey{Credential: otherKey}); err != nil {
		t.Fatal(err)
	}
	return c
}

// takeAt backs up b with a time.
func (c *copies) takeAt(t testing.TB, env string, when time.Time, b []byte) *snapshot.Snapshot {
	t.Helper()
	result, err := open(t, c.st).Backup(t.Context(), fingerprinted(b, fingerprintOf(b)), repo.BackupOptions{Environment: env, Database: "app", Time: when})
	if err != nil {
		t.Fatal(err)
	}
	c.images[result.Snapshot.ID] = b
	return result.Snapshot
}

// listBoth returns a copier and the snapshots of the source.
func listBoth(ctx context.Context, from, to *repo.Repo) (*repo.Copier, []*snapshot.Snapshot, error) {
	sources, err := from.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	targets, err := to.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := repo.NewCopier(from, sources, to, targets)
	return c, sources, err
}

func copier(t testing.TB, from, to *repo.Repo) (*repo.Copier, []*snapshot.Snapshot) {
	t.Helper()
	c, sources, err := listBoth(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	return c, sources
}

// copyAll copies what is missing, and returns what was done.
func copyAll(ctx context.Context, from, to *repo.Repo, rules map[string]retention.Policy) (*repo.CopyPlan, []*repo.BackupResult, error) {
	c, sources, err := listBoth(ctx, from, to)
	if err != nil {
		return nil, nil, err
	}
	plan := c.Plan(sources, rules, time.Now())
	var results []*repo.BackupResult
	for _, s := range plan.Copy {
		result, err := c.Copy(ctx, s, nil)
		if err != nil {
			return plan, results, err
		}
		results = append(results, result)
	}
	return plan, results, c.CarryNotes(ctx, sources)
}

func (c *copies) copy(t testing.TB) []*repo.BackupResult {
	t.Helper()
	_, results, err := copyAll(t.Context(), open(t, c.st), openOther(t, c.to), nil)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// verify fails the test unless the target is sound, and has exactly the snapshots of
// the source, byte for byte.
func (c *copies) verify(t testing.TB) {
	t.Helper()
	c.world.verify(t)
	from, to := open(t, c.st), openOther(t, c.to)
	checkWith(t, to)
	sources, err := from.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := to.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(list), len(sources); got != want {
		t.Errorf("got %d copies, want %d", got, want)
	}
	for _, s := range list {
		origin := s.Origin(to.ID().String())
		if got := restore(t, to, s); !bytes.Equal(got, c.images[origin.Snapshot]) {
			t.Errorf("copy of %s: got %d other bytes", origin.Snapshot.Short(), len(got))
		}
	}
}

// TestCopy copies the snapshots of two environments, one restored over the other, and
// compares what the copies say.
func TestCopy(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	start := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	b := pages(1, 400)
	production := c.takeAt(t, "production", start, b)
	demo := touch(b, 2, 5)
	result, err := open(t, c.st).Backup(t.Context(), sourceOf(demo), repo.BackupOptions{
		Environment: "demo", Database: "app", Time: start.Add(time.Minute), ReplacedBy: production.ID, Pinned: true, Tags: tags.Set{repo.PreRestoreTag},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.images[result.Snapshot.ID] = demo
	c.takeAt(t, "demo", start.Add(2*time.Minute), b)
	c.copy(t)
	c.verify(t)

	sources, _ := open(t, c.st).Snapshots(t.Context())
	list, _ := openOther(t, c.to).Snapshots(t.Context())
	for i, s := range list {
		want := *sources[i]
		if *s.Original != (snapshot.Origin{Repository: open(t, c.st).ID().String(), Snapshot: want.ID}) || s.CopiedBy != "copier" || s.ID == want.ID {
			t.Errorf("copy of %s: got %+v, copied by %s", want.ID.Short(), s.Original, s.CopiedBy)
		}
		got := []any{s.Host, s.Time, s.Environment, s.Database, s.Tags, s.Pinned, s.Image().ReadAt, s.Image().PageSize, s.Image().Size}
		if want := []any{want.Host, want.Time, want.Environment, want.Database, want.Tags, want.Pinned, want.Image().ReadAt, want.Image().PageSize, want.Image().Size}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if s.Image().Fingerprint != nil {
			t.Errorf("the copy has the fingerprint %s", s.Image().Fingerprint)
		}
	}
	if got, want := list[1].ReplacedBy, list[2].ID; got != want {
		t.Errorf("replaced by: got %s, want the copy, %s", got, want)
	}
	// What was restored over the demo is what its next snapshot builds on, here as there.
	if got, want := list[0].Parent, list[2].ID; got != want || list[0].ChunksNew > 0 {
		t.Errorf("got parent %s and %d new chunks, want %s and none", got, list[0].ChunksNew, want)
	}
}

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
	// A copy of the copies, or of a copy back, is none.
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

// TestCopyReadsWhatDiffers changes an image many times, and compares each copy with
// what reading all of it would give.
func TestCopyReadsWhatDiffers(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	random := rand.New(rand.NewPCG(3, 3))
	b := pages(3, 1200/scale())
	for round := range uint64(12) {
		s := c.take(t, "production", b)
		whole, err := openOther(t, c.to).Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: "production", Database: "app", DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		result := c.copy(t)[0]
		if got, want := result.Snapshot.Image(), whole.Snapshot.Image(); got.Root != want.Root || got.Size != want.Size {
			t.Errorf("round %d: got root %s, want %s, as of the whole image", round, got.Root, want.Root)
		}
		if got, most := result.Scanned, s.Image().Size/2; round > 0 && got > most {
			t.Errorf("round %d: read %d of %d bytes", round, got, s.Image().Size)
		}
		if got, most := result.Snapshot.Added, result.Snapshot.Image().Size/10; round > 0 && round%4 > 1 && got > most {
			t.Errorf("round %d: added %d bytes, want deltas", round, got)
		}
		b = touch(b, round, int(round)%3)
		switch round % 4 {
		case 1:
			b = append(b, pages(round, 10+random.IntN(70))...)
		case 2:
			b = b[:len(b)-4096*(1+random.IntN(60))]
		}
	}
	c.verify(t)
}

// TestCopyWithoutOriginals copies after the source has forgotten what the newest copy
// is of: then all is read, and hardly more is stored.
func TestCopyWithoutOriginals(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	b := pages(5, 500)
	first := c.take(t, "production", b)
	c.copy(t)
	second := touch(b, 5, 2)
	c.take(t, "production", second)
	c.world.forget(t, first.ID)
	pruneAll(t, c.st)
	result := c.copy(t)[0]
	if got := result.Scanned; got != int64(len(b)) {
		t.Errorf("read %d bytes, want all %d", got, len(b))
	}
	if got := result.Snapshot.Added; got > int64(len(b)/10) {
		t.Errorf("added %d bytes", got)
	}
	// A backup straight into the target builds on the copies.
	direct := take(t, openOther(t, c.to), "production", touch(second, 6, 1))
	if direct.Previous != result.Snapshot.ID || direct.Sequence != 3 || direct.ChunksNew > 3 {
		t.Errorf("a backup after it: got previous %s, number %d and %d new chunks", direct.Previous.Short(), direct.Sequence, direct.ChunksNew)
	}
}

// TestCopyOlder copies the newest first, and what is older after it.
func TestCopyOlder(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	start := time.Now().Add(-time.Hour)
	b := pages(1, 300)
	for i := range uint64(5) {
		c.takeAt(t, "production", start.Add(time.Duration(i)*time.Minute), b)
		b = touch(b, i, 3)
	}
	to := openOther(t, c.to)
	copies, sources := copier(t, open(t, c.st), to)
	for _, i := range []int{0, 4, 3, 2, 1} {
		if _, err := copies.Copy(t.Context(), sources[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	c.verify(t)
	list, _ := openOther(t, c.to).Snapshots(t.Context())
	for i, s := range list[1:] {
		if want := uint64(4 - i); s.Sequence != want || i < 3 && s.Previous != list[i+2].ID {
			t.Errorf("got number %d after %s, want %d", s.Sequence, s.Previous.Short(), want)
		}
	}
	// The last one that was copied is not the newest: that another host forgets it is
	// no sign of an older state.
	if err := openOther(t, c.to).Forget(t.Context(), list[1].ID); err != nil {
		t.Fatal(err)
	}
	result, err := to.Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: "production", Database: "app"})
	if err != nil || result.SetBack != nil {
		t.Errorf("got %v, %+v", err, result.SetBack)
	}
}

// TestCopyRules has the target keep less than the source. What its rules lead to stays
// so, whatever is copied and forgotten in between.
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

// TestCopyOfItself copies a repository into itself.
func TestCopyOfItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := repo.NewCopier(open(t, w.st), nil, open(t, w.st), nil); !errors.Is(err, repo.ErrSameRepository) {
		t.Errorf("got %v", err)
	}
}

// TestCopyConflict has a copy in the target that is none.
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

// TestCopyLearnt copies what is known of a snapshot since its record was written.
func TestCopyLearnt(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	c.take(t, "production", small)
	copies, sources := copier(t, open(t, c.st), openOther(t, c.to))
	s := *sources[0]
	s.Pinned, s.Suspect, s.Tags = true, []string{"it has no rows"}, append(s.Tags, "before-migration")
	if _, err := copies.Copy(t.Context(), &s, nil); err != nil {
		t.Fatal(err)
	}
	list, err := openOther(t, c.to).Snapshots(t.Context())
	if err != nil || !list[0].Pinned || !slices.Equal(list[0].Suspect, s.Suspect) || !list[0].Tags.Has("before-migration") {
		t.Errorf("got %+v, %v", list[0], err)
	}
}

// TestCopyNotes carries what an undo has to know, and not what verify has found.
func TestCopyNotes(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	s := c.take(t, "production", small)
	c.copy(t)
	from := open(t, c.st)
	for range 2 { // the second time, nothing is new
		if _, err := from.Snapshots(t.Context()); err != nil {
			t.Fatal(err)
		}
		note := snapshot.Note{Snapshot: s.ID, Verified: &snapshot.Verification{Time: time.Now(), How: "test"}, NoUndo: &snapshot.NoUndo{Time: s.Time, Reason: "test"}}
		if err := from.Note(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		c.copy(t)
	}
	list, err := openOther(t, c.to).Snapshots(t.Context())
	if err != nil || list[0].NoUndo == nil || list[0].NoUndo.Reason != "test" || list[0].Verified != nil {
		t.Errorf("got %+v, %v, want the reason alone", list[0].NoUndo, err)
	}
	if got := countOf(t, c.to, "meta/note-"); got != 1 {
		t.Errorf("got %d notes, want one", got)
	}
}
