package mem_test

import (
	"testing"
	"time"

	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) store.Store { return mem.New() })
}

func TestNow(t *testing.T) {
	t.Parallel()
	s := mem.New()
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Now = func() time.Time { return want }
	if err := s.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	for o, err := range s.List(t.Context(), "") {
		if err != nil || !o.Time.Equal(want) {
			t.Errorf("got %v, %v, want an object of %v", o, err, want)
		}
	}
}
