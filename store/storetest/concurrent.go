package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"firn/store"
)

// testSameContent lets many writers create one object with the same bytes: a
// store that compares content must not return success to two of them.
func testSameContent(t *testing.T, s store.Store) {
	for round := range 5 {
		name := fmt.Sprintf("meta/same-%d", round)
		var created atomic.Int32
		concurrently(16, func(int) {
			switch err := s.Put(t.Context(), name, []byte("same")); {
			case err == nil:
				created.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Errorf("Put by loser: got %v, want fs.ErrExist", err)
			}
		})
		if created.Load() != 1 {
			t.Errorf("%s: %d writers were told that they created it, want one", name, created.Load())
		}
	}
}

// testConcurrentDeleters lets many goroutines delete the same objects at once.
func testConcurrentDeleters(t *testing.T, s store.Store) {
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("packs/%02x/%02x", i%3, i))
	}
	putMany(t, s, names)
	put(t, s, "packs/00/stays", "")
	concurrently(8, func(int) {
		if err := s.Delete(t.Context(), names...); err != nil {
			t.Error(err)
		}
	})
	wantNames(t, s, "", "packs/00/stays")
}

// testConcurrentUse checks that each of many goroutines sees its own changes.
func testConcurrentUse(t *testing.T, s store.Store) {
	concurrently(8, func(i int) {
		name, content := fmt.Sprintf("meta/%d-a", i), bytes.Repeat([]byte{byte(i)}, 1000)
		for range 5 {
			if err := s.Put(t.Context(), name, content); err != nil {
				t.Error(err)
			}
			if got, err := s.Get(t.Context(), name, 0, -1); err != nil || !bytes.Equal(got, content) {
				t.Errorf("get %s: got %d bytes, %v, want those put", name, len(got), err)
			}
			if got, err := list(t.Context(), s, name[:len(name)-1]); err != nil || len(got) != 1 {
				t.Errorf("list: got %v, %v, want %s", got, err, name)
			}
			if err := s.Delete(t.Context(), name); err != nil {
				t.Error(err)
			}
			if _, err := s.Get(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("get %s after its end: got %v, want fs.ErrNotExist", name, err)
			}
		}
	})
	wantNames(t, s, "")
}

// testLongNames uses names that are longer than any that firn gives.
func testLongNames(t *testing.T, s store.Store) {
	names := []string{"meta/" + strings.Repeat("a", 200), "meta/" + strings.Repeat("a", 201), strings.Repeat("part-0/", 30) + "end"}
	for _, name := range names {
		put(t, s, name, name)
	}
	for _, name := range names {
		if got := get(t, s, name); got != name {
			t.Errorf("got %q, want the name %q", got, name)
		}
		if err := s.Put(t.Context(), name, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("put again: got %v, want fs.ErrExist", err)
		}
	}
	wantNames(t, s, "", names...)
	wantNames(t, s, names[0], names[:2]...)
	remove(t, s, names...)
	wantNames(t, s, "")
}

// cancelListing cancels a listing's context after the first object. The listing
// must then end with an error or be complete.
func cancelListing(t *testing.T, s store.Store, prefix string, want int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for o, err := range s.List(ctx, prefix) {
		cancel()
		if err == nil {
			n++
			continue
		}
		if !errors.Is(err, context.Canceled) || o != (store.Object{}) {
			t.Errorf("listing that was cancelled: got %v, %v, want context.Canceled", o, err)
		}
		return
	}
	if n != want {
		t.Errorf("listing that was cancelled: got %d objects without an error, want %d", n, want)
	}
}

// concurrently calls f n times at once.
func concurrently(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
