package store_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"firn/store"
)

// FuzzCheckName checks that an accepted name is the same path on every system
// and stays below the folder that it is joined to, and that each of its
// beginnings is an accepted prefix.
func FuzzCheckName(f *testing.F) {
	for _, name := range append(badNames(), "meta/config", "packs/00/0f") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if store.CheckName(name) != nil {
			return
		}
		if path.Clean(name) != name || !filepath.IsLocal(name) || strings.ToLower(name) != name || strings.Contains(name, ".") {
			t.Errorf("accepted %q", name)
		}
		for i := range len(name) + 1 {
			if err := store.CheckPrefix(name[:i]); err != nil {
				t.Errorf("accepted the name %q but not its beginning: %v", name, err)
			}
		}
	})
}
