package local_test

import (
	"testing"

	"firn/store"
	"firn/store/local"
	"firn/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return create(t) })
}

// create returns a store in a new folder.
func create(t testing.TB) *local.Store {
	t.Helper()
	return createIn(t, t.TempDir())
}

func createIn(t testing.TB, dir string) *local.Store {
	t.Helper()
	s, err := local.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
