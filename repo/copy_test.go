package repo_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/tags"
)

// TestCopy copies the snapshots of two environments, one restored over the other, and
// compares the records of the copies.
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
	// The next snapshot of the demo builds on the one that was restored over it, here as there.
	if got, want := list[0].Parent, list[2].ID; got != want || list[0].ChunksNew > 0 {
		t.Errorf("got parent %s and %d new chunks, want %s and none", got, list[0].ChunksNew, want)
	}
}

// TestCopyOlder copies the newest snapshot first, and older ones after it.
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
	if err != nil || result.Rollback != nil {
		t.Errorf("got %v, %+v", err, result.Rollback)
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

// TestCopyLearnt copies the facts that notes have added to a snapshot since its record was written.
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

// TestCopyNotes carries the notes that an undo needs, and not those of a verification.
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
