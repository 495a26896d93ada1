package behind_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
)

// TestLostAnswers puts and drains while each answer of the store can be lost.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d"}
	for _, kind := range storetest.Kinds() {
		for at := 1; at <= 10; at++ {
			inner := mem.New()
			faulty := storetest.NewFaulty(inner, storetest.Fault{At: at, Kind: kind})
			dir := t.TempDir()
			s := open(t, dir, faulty)
			var confirmed []string
			for _, name := range names {
				if err := s.Put(faulty.Context(t.Context()), name, content(name)); err == nil {
					confirmed = append(confirmed, name)
				}
				_ = s.Drain(faulty.Context(t.Context())) // may fail as it likes
			}
			closeStore(t, s)
			s = open(t, dir, inner)
			want(t, s, confirmed...)
			drain(t, s)
			want(t, inner, confirmed...)
			wantWaiting(t, s, 0)
		}
	}
}

// TestOtherObject drains an object whose name another writer has taken.
func TestOtherObject(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"", "x", strings.Repeat("x", len(content("a"))), strings.Repeat("x", 1000)} {
		p := newPlace()
		p.goAway(unreachable())
		s := open(t, t.TempDir(), p)
		put(t, s, "a", "b")
		p.comeBack()
		if err := p.Put(t.Context(), "a", []byte(other)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Drain(t.Context()); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "other bytes") {
				t.Errorf("got %v, want fs.ErrExist", err)
			}
		}
		wantNames(t, p.arrived(), "a") // b does not overtake
		want(t, s, "a", "b")
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		drain(t, s)
		wantNames(t, list(t, p, ""), "b")
	}
}

// TestEmptyObjects puts objects of the sizes that a length of Get has special values for.
func TestEmptyObjects(t *testing.T) {
	t.Parallel()
	p := newPlace()
	s := open(t, t.TempDir(), p)
	for size := range 4 {
		name := fmt.Sprint(size)
		p.fail(func(op string) error {
			if op == "put" {
				_ = p.Store.Put(t.Context(), name, make([]byte, size)) // the answer is lost
			}
			return unreachable()
		})
		if err := s.Put(t.Context(), name, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		p.comeBack()
		drain(t, s)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	p := newPlace()
	dir := t.TempDir()
	s := open(t, dir, p)
	put(t, s, "a")
	p.goAway(unreachable())
	put(t, s, "b", "c", "d")
	if err := s.Delete(t.Context(), "c"); err != nil { // was never sent: the store is not needed
		t.Errorf("delete an object that was never sent: %v", err)
	}
	for _, name := range []string{"a", "b"} { // b was sent, and may be there
		if err := s.Delete(t.Context(), name); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("delete %s: got %v, want ErrUnreachable", name, err)
		}
	}
	closeStore(t, s)
	p.comeBack()
	s = open(t, dir, p)
	if err := s.Delete(t.Context(), "a", "b", "nothing"); err != nil {
		t.Error(err)
	}
	drain(t, s)
	wantNames(t, list(t, p, ""), "d")
}

// TestDeleteAfterLostAnswer deletes an object that waits, and is in the store all the same.
func TestDeleteAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for _, reopen := range []bool{false, true} {
		dir, p := t.TempDir(), newPlace()
		p.fail(func(string) error {
			_ = p.Store.Put(t.Context(), "a", content("a"))
			return unreachable()
		})
		s := open(t, dir, p)
		put(t, s, "a")
		p.comeBack()
		wantNames(t, list(t, s, ""), "a")
		if reopen {
			closeStore(t, s)
			s = open(t, dir, p)
		}
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		wantNames(t, list(t, s, ""))
	}
}

// TestListAway checks that no object is listed as if it were all.
func TestListAway(t *testing.T) {
	t.Parallel()
	p := newPlace()
	p.goAway(unreachable())
	s := open(t, t.TempDir(), p)
	put(t, s, "a")
	for o, err := range s.List(t.Context(), "") {
		if !errors.Is(err, store.ErrUnreachable) || o != (store.Object{}) {
			t.Errorf("got %v, %v, want the store's error", o, err)
		}
	}
}

// TestConcurrent lets many goroutines put, read, list and delete while others drain, and the store comes and goes.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	p := newPlace()
	var mu sync.Mutex
	calls := 0
	p.fail(func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls/20%2 == 1 {
			return unreachable()
		}
		return nil
	})
	s := open(t, t.TempDir(), p)
	ctx, cancel := context.WithCancel(t.Context())
	var drains, writers sync.WaitGroup
	for range 2 {
		drains.Go(func() {
			for ctx.Err() == nil {
				_ = s.Drain(ctx)
			}
		})
	}
	for w := range 8 {
		writers.Go(func() { useConcurrently(t, s, w) })
	}
	writers.Wait()
	cancel()
	drains.Wait()
	p.comeBack()
	drain(t, s)
	wantNames(t, list(t, p, "gone/"))
	for w := range 8 { // each goroutine's objects came in its order
		prefix := fmt.Sprintf("w%d/", w)
		var got, want []string
		for _, name := range p.arrived() {
			if strings.HasPrefix(name, prefix) {
				got = append(got, name)
			}
		}
		for i := range puts {
			want = append(want, fmt.Sprintf("%s%03d", prefix, i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// puts is how many objects each goroutine puts that stay.
const puts = 40

func useConcurrently(t *testing.T, s store.Store, w int) {
	for i := range puts {
		name, gone := fmt.Sprintf("w%d/%03d", w, i), fmt.Sprintf("gone/w%d-%03d", w, i)
		for _, name := range []string{name, gone} {
			if err := s.Put(t.Context(), name, content(name)); err != nil {
				t.Error(err)
			}
		}
		got, err := s.Get(t.Context(), name, 0, -1)
		if err != nil && !errors.Is(err, store.ErrUnreachable) || err == nil && string(got) != string(content(name)) {
			t.Errorf("get %s: got %q, %v, want what was put", name, got, err)
		}
		listed := false
		for o, err := range s.List(t.Context(), name) {
			listed = listed || o.Name == name || err != nil
		}
		if !listed {
			t.Errorf("list %s: got nothing, want the object", name)
		}
		for s.Delete(t.Context(), gone) != nil { // until the store is there
		}
	}
}
