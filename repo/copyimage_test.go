package repo_test

import (
	"math/rand/v2"
	"testing"

	"firn/repo"
)

// TestCopyReadsWhatDiffers changes an image many times, and compares each copy with
// the bytes of a full read.
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

// TestCopyWithoutOriginals copies after the source has forgotten the original of the newest copy:
// then the whole image is read, and hardly more is stored.
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
