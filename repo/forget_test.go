package repo_test

import "testing"

// TestForgottenIsNotListed forgets with a repository that has not listed since it
// was opened.
func TestForgottenIsNotListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	r := cached(t, w.st, dir)
	gone := take(t, r, "production", small)
	r.Close()
	r = cached(t, w.st, dir)
	if err := r.Forget(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := r.Snapshots(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %d snapshots, %v, want none", len(list), err)
	}
}
