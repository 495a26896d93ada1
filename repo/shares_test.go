package repo_test

import (
	"errors"
	"slices"
	"testing"

	"firn/repo"
	"firn/snapshot"
)

// TestShares compares the shares of snapshots with the needs of the others without them.
func TestShares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := pages(1, 300)
	w.take(t, "production", image)
	w.take(t, "demo", touch(image, 2, 30))
	w.take(t, "production", touch(image, 3, 20))
	w.take(t, "production", touch(touch(image, 3, 20), 4, 5))
	w.take(t, "production", touch(touch(image, 3, 20), 4, 5)) // the same again holds nothing alone
	w.take(t, "scratch", pages(9, 50))
	r := open(t, w.st)
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := sharesOf(t, r, list)
	for _, s := range list {
		rest := sharesOf(t, r, slices.DeleteFunc(slices.Clone(list), func(o *snapshot.Snapshot) bool { return o.ID == s.ID }))
		if got, want := all.Snapshots[s.ID], all.Needed-rest.Needed; got != want {
			t.Errorf("snapshot of %s holds %d bytes alone, want %d", s.Environment, got, want)
		}
	}
	for series, got := range all.Series {
		rest := sharesOf(t, r, slices.DeleteFunc(slices.Clone(list), func(o *snapshot.Snapshot) bool { return o.Series() == series }))
		if want := all.Needed - rest.Needed; got != want || got == 0 {
			t.Errorf("%s holds %d bytes alone, want %d", series, got, want)
		}
	}
	if len(all.Series) != 3 || all.Snapshots[list[1].ID] != 0 || all.Snapshots[list[0].ID] == 0 {
		t.Errorf("got %+v", all)
	}
	usage, err := r.Usage(t.Context())
	if err != nil || all.Needed >= usage.Size || all.Needed < usage.Size*8/10 {
		t.Errorf("%d bytes are needed of %d (%v)", all.Needed, usage.Size, err)
	}
}

func sharesOf(t *testing.T, r *repo.Repo, list []*snapshot.Snapshot) *repo.Shares {
	t.Helper()
	s, err := r.Shares(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSharesOfDamaged does not make figures up for unreadable snapshots.
func TestSharesOfDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.take(t, "production", pages(1, 20))
	losePacks(t, w.st)
	r := open(t, w.st)
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *repo.CorruptError
	if _, err := r.Shares(t.Context(), list); !errors.As(err, &corrupt) {
		t.Errorf("got %v, want a CorruptError", err)
	}
}
