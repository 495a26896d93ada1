package repo_test

import (
	"testing"

	"firn/repo"
	"firn/store"
)

// losePacks takes away all packs.
func losePacks(t testing.TB, st store.Store) {
	t.Helper()
	for _, o := range objectsOf(t, st, "packs/") {
		if err := st.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackupHealsLostPacks takes away each pack and backs up the same images again: the lost blobs are stored anew.
func TestBackupHealsLostPacks(t *testing.T) {
	t.Parallel()
	prepared := newWorld(t)
	twoSnapshots(t, prepared)
	for _, o := range objectsOf(t, prepared.st, "packs/") {
		w := prepared.clone(t)
		if err := w.st.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
		w.take(t, "production", small)
		w.take(t, "production", changed)
		w.verify(t) // the older snapshots, too, are whole again
	}
}

// TestForceScanHealsBehindTheCache takes away packs that a trusted cache goes on to
// show: a full scan stores them anew all the same.
func TestForceScanHealsBehindTheCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", small).ID] = small })
	losePacks(t, w.st)
	run(t, w.st, dir, func(r *repo.Repo) { w.images[forceScan(t, r, "production", small).ID] = small })
	w.verify(t)
}
