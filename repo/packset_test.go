package repo_test

import (
	"errors"
	"testing"

	"firn/pack"
	"firn/repo"
	"firn/store/storetest"
)

// TestReliance tries when an image that is known to be unchanged is relied on without
// a look into its packs, and when the image is read again.
func TestReliance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alter func(t *testing.T, w *world, name string)
		want  string // what is asked of the store; empty: the image is read
	}{
		{"Same", func(*testing.T, *world, string) {}, "list meta, list packs, put meta, list meta"},
		{"MorePacks", func(t *testing.T, w *world, _ string) { w.take(t, "demo", pages(8, 20)) },
			"list meta, get meta, list packs, put meta, list meta"},
		{"LostPack", func(t *testing.T, w *world, name string) {
			if err := w.st.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"ShortPack", func(t *testing.T, w *world, name string) {
			b := read(t, w.st, name)
			replace(t, w.st, name, b[:len(b)-1])
		}, ""},
		{"OtherPlans", func(t *testing.T, w *world, _ string) {
			w.forget(t, w.take(t, "demo", pages(8, 20)).ID)
			pruneAll(t, w.st)
		}, "list meta, get meta, list packs, get packs, put meta, list meta"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			faulty := storetest.NewFaulty(w.st, storetest.Fault{})
			opts := options(faulty)
			opts.CacheDir = t.TempDir()
			of := repo.BackupOptions{Environment: "production", Database: "app"}
			if _, err := openAs(t, opts).Backup(t.Context(), fingerprinted(small, "one"), of); err != nil {
				t.Fatal(err)
			}
			tt.alter(t, w, objectsOf(t, w.st, pack.Prefix)[0].Name)
			before := len(faulty.Log())
			_, err := openAs(t, opts).Backup(t.Context(), unreadable("one"), of)
			if tt.want == "" {
				if !errors.Is(err, errRead) {
					t.Errorf("got %v, want the image to be read", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(faulty.Log()[before:]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
