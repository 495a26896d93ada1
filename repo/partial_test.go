package repo_test

import (
	"testing"
	"time"

	"firn/repo"
	"firn/store/storetest"
)

// TestPartialRecordProtects lets an upload die after it wrote a partial record:
// for a week, its packs are not taken for orphans.
func TestPartialRecordProtects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := pages(4, 100)
	dieWithPartial(t, w, b)
	for range 3 {
		pruneAll(t, w.st)
	}
	if got := countOf(t, w.st, "packs/"); got != 1 {
		t.Fatalf("got %d packs after the prunes, want the 1 of the upload", got)
	}
	s := w.take(t, "production", b)
	if s.ChunksNew != 0 {
		t.Errorf("the next run stored %d chunks again, want 0", s.ChunksNew)
	}
	w.verify(t)
}

func TestPartialRecordExpires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		age  time.Duration
		want int // packs and partial records left
	}{
		{6 * 24 * time.Hour, 1},
		{8 * 24 * time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(tt.age.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dieWithPartial(t, w, pages(4, 100))
			opts := options(w.st)
			opts.Now = func() time.Time { return time.Now().Add(tt.age) }
			r, err := repo.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				pruneWith(t, r, repo.PruneOptions{OrphanAge: -1})
			}
			if got := countOf(t, w.st, "packs/"); got != tt.want {
				t.Errorf("got %d packs, want %d", got, tt.want)
			}
			if got := countOf(t, w.st, "meta/part-"); got != tt.want {
				t.Errorf("got %d partial records, want %d", got, tt.want)
			}
			w.verify(t)
		})
	}
}

// TestPartialRecordOfFinishedUpload also prunes in the middle of the upload.
func TestPartialRecordOfFinishedUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		if op == "put" && snapshotName(name) {
			if got := countOf(t, w.st, "meta/part-"); got != 1 {
				t.Errorf("got %d partial records before the snapshot's, want 1", got)
			}
			pruneAll(t, w.st)
		}
	})
	opts := options(hooked)
	opts.Now = hourly(time.Now())
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	result := backupResult(t, r, small, repo.BackupOptions{})
	w.images[result.Snapshot.ID] = small
	if result.Tries != 1 {
		t.Errorf("got %d tries, want 1: the packs were protected", result.Tries)
	}
	if got := countOf(t, w.st, "meta/part-"); got != 0 {
		t.Errorf("got %d partial records left, want 0", got)
	}
	w.verify(t)
}
