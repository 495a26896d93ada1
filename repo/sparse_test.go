package repo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
)

// sparseImage knows the image before it, and which bytes may differ from it.
type sparseImage struct {
	*image
	b       []byte
	next    int64
	before  []byte
	ranges  [][2]int64
	skipped int64
}

// sparsely is a source whose image follows before, and tells exactly which pages differ.
func sparsely(b, before []byte) (repo.Source, *sparseImage) {
	i := &sparseImage{image: &image{fingerprint: fingerprintOf(b)}, b: b, before: before}
	for at := 0; at < len(b); at += 4096 {
		if page := b[at : at+4096]; at+4096 > len(before) || !bytes.Equal(page, before[at:at+4096]) {
			i.ranges = append(i.ranges, [2]int64{int64(at), int64(at + 4096)})
		}
	}
	return func(context.Context) (repo.SourceImage, error) { return i, nil }, i
}

func (i *sparseImage) Describe() snapshot.Image {
	described := i.image.Describe()
	described.Size = int64(len(i.b))
	return described
}

func (i *sparseImage) Changed(since *snapshot.Snapshot) ([][2]int64, bool) {
	want, _ := json.Marshal(fingerprintOf(i.before))
	return i.ranges, bytes.Equal(want, since.Image().Fingerprint)
}

func (i *sparseImage) Skip(n int64) error {
	i.next += n
	i.skipped += n
	return nil
}

func (i *sparseImage) Read(p []byte) (int, error) {
	n := copy(p, i.b[i.next:])
	i.next += int64(n)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestSparse takes snapshots of an image that changes, grows and shrinks, each as the
// changes of the one before, and compares the tree with that of reading it all.
func TestSparse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opts := repo.BackupOptions{Environment: "production", Database: "app"}
	dry := opts
	dry.DryRun = true
	b := pages(1, 2000/scale())
	var before []byte
	for round := range uint64(12) {
		whole, err := open(t, w.st).Backup(t.Context(), fingerprinted(b, ""), dry)
		if err != nil {
			t.Fatal(err)
		}
		source, image := sparsely(b, before)
		got, err := open(t, w.st).Backup(t.Context(), source, opts)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := got.Snapshot.Image(), whole.Snapshot.Image(); got.Root != want.Root || got.Size != want.Size {
			t.Errorf("round %d: got root %s, %d bytes, want %s, %d, as of the whole image", round, got.Root, got.Size, want.Root, want.Size)
		}
		if round > 0 && image.skipped < int64(len(b)/2) || got.Scanned+image.skipped != int64(len(b)) {
			t.Errorf("round %d: %d of %d bytes skipped, %d read", round, image.skipped, len(b), got.Scanned)
		}
		w.images[got.Snapshot.ID] = b
		before = b
		b = touch(b, round, 1+int(round)%3)
		switch round % 4 {
		case 1:
			b = append(b, pages(round, 70)...)
		case 2:
			b = b[:len(b)-4096*50]
		}
	}
	w.verify(t)
}

// TestSparseDoubt has images that are read to their end, although the source knows their changes.
func TestSparseDoubt(t *testing.T) {
	t.Parallel()
	start := time.Now().Truncate(time.Second)
	tests := []struct {
		name  string
		opts  repo.BackupOptions
		after time.Duration
		alter func(t testing.TB, w *world)
		reads bool
	}{
		{name: "Sparse"},
		{name: "DryRun", opts: repo.BackupOptions{DryRun: true}},
		{name: "ForceScan", opts: repo.BackupOptions{ForceScan: true}, reads: true},
		{name: "WithinADay", after: 23 * time.Hour},
		{name: "AfterADay", after: 25 * time.Hour, reads: true},
		{name: "ClockBehind", after: -time.Hour, reads: true},
		{name: "OtherSnapshotBetween", alter: func(t testing.TB, w *world) {
			b := pages(5, 30)
			w.images[take(t, at(t, w.st, start.Add(time.Second)), "production", b).ID] = b
		}, reads: true},
	}
	b := pages(3, 300)
	changed := touch(b, 3, 1)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.opts.Environment, tt.opts.Database = "production", "app"
			old, err := at(t, w.st, start).Backup(t.Context(), fingerprinted(b, fingerprintOf(b)), repo.BackupOptions{Environment: "production", Database: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if tt.alter != nil {
				tt.alter(t, w)
			}
			source, image := sparsely(changed, b)
			got, err := at(t, w.st, start.Add(tt.after)).Backup(t.Context(), source, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if (image.skipped == 0) != tt.reads || (got.Scanned == got.Snapshot.Image().Size) != tt.reads {
				t.Errorf("%d bytes skipped, %d read, want all read %t", image.skipped, got.Scanned, tt.reads)
			}
			// An image that was taken over is as old as its last reading: else a reading would never be due.
			readAt := got.Snapshot.Image().ReadAt
			if !tt.reads && !readAt.Equal(old.Snapshot.Image().ReadAt) || tt.reads && !readAt.Equal(start.Add(tt.after).UTC()) {
				t.Errorf("got read at %s", readAt)
			}
			if !tt.opts.DryRun {
				w.images[got.Snapshot.ID] = changed
			}
			w.verify(t)
		})
	}
}

// TestSparseLost takes a snapshot as the changes of one whose chunks are gone: the unchanged parts have to be read, too, and
// are stored anew.
func TestSparseLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := pages(4, 300)
	opts := repo.BackupOptions{Environment: "production", Database: "app"}
	old, err := open(t, w.st).Backup(t.Context(), fingerprinted(b, fingerprintOf(b)), opts)
	if err != nil {
		t.Fatal(err)
	}
	losePacks(t, w.st)
	changed := touch(b, 4, 1)
	source, image := sparsely(changed, b)
	got, err := open(t, w.st).Backup(t.Context(), source, opts)
	if err != nil {
		t.Fatal(err)
	}
	if image.skipped > 0 || got.Scanned != int64(len(b)) {
		t.Errorf("%d bytes skipped, %d read, want none and all", image.skipped, got.Scanned)
	}
	w.forget(t, old.Snapshot.ID)
	w.images[got.Snapshot.ID] = changed
	w.verify(t)
}
