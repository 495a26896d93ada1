package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
)

func TestFaultyWithoutFault(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) store.Store {
		return storetest.NewFaulty(mem.New(), storetest.Fault{})
	})
}

// TestFaultyPut puts a, b and c, with a fault at b.
func TestFaultyPut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind  storetest.Kind
		fails string // letters of the calls that fail
		want  string // letters of the objects that exist afterwards
	}{
		{storetest.Transient, "b", "ac"},
		{storetest.Persistent, "bc", "a"},
		{storetest.Torn, "b", "ac"},
		{storetest.LostAnswer, "b", "abc"},
		{storetest.CrashBefore, "bc", "a"},
		{storetest.CrashAfter, "bc", "ab"},
		{storetest.Slow, "bc", "a"}, // the context has ended for c, too
	}
	for _, tt := range tests {
		inner := mem.New()
		s := storetest.NewFaulty(inner, storetest.Fault{At: 2, Kind: tt.kind})
		ctx := s.Context(t.Context())
		fails := ""
		for _, name := range []string{"a", "b", "c"} {
			err := s.Put(ctx, name, []byte(name))
			if errors.Is(err, storetest.ErrInjected) || tt.kind == storetest.Slow && errors.Is(err, context.Canceled) {
				fails += name
			} else if err != nil {
				t.Errorf("%s: Put(%s): %v", tt.kind, name, err)
			}
		}
		if got := names(t, inner); fails != tt.fails || got != tt.want {
			t.Errorf("%s: fails %q, leaves %q, want %q, %q", tt.kind, fails, got, tt.fails, tt.want)
		}
		if got, want := s.Log(), []string{"put a", "put b", "put c"}; s.Calls() != 3 || !slices.Equal(got, want) {
			t.Errorf("%s: %d calls %q, want %q", tt.kind, s.Calls(), got, want)
		}
	}
}

// TestFaultyBatch lists, then deletes, four objects; the call fails.
func TestFaultyBatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind         storetest.Kind
		listed, left string
	}{
		{storetest.Transient, "", "abcd"},
		{storetest.Persistent, "", "abcd"},
		{storetest.Torn, "ab", "cd"},
		{storetest.LostAnswer, "abcd", ""},
		{storetest.CrashBefore, "", "abcd"},
		{storetest.CrashAfter, "abcd", ""},
		{storetest.Slow, "", "abcd"},
	}
	for _, tt := range tests {
		inner := mem.New()
		for _, name := range []string{"a", "b", "c", "d"} {
			if err := inner.Put(t.Context(), name, nil); err != nil {
				t.Fatal(err)
			}
		}
		fault := storetest.Fault{At: 1, Kind: tt.kind}
		slow := storetest.NewFaulty(inner, fault)
		listed, err := listIn(slow.Context(t.Context()), slow)
		if listed != tt.listed || !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("%s: List yields %q, %v, want %q, ErrInjected", tt.kind, listed, err, tt.listed)
		}
		slow = storetest.NewFaulty(inner, fault)
		err = slow.Delete(slow.Context(t.Context()), "a", "b", "c", "d")
		if got := names(t, inner); got != tt.left || !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("%s: Delete leaves %q, %v, want %q, ErrInjected", tt.kind, got, err, tt.left)
		}
	}
}

func TestFaultyGet(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	if err := inner.Put(t.Context(), "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, kind := range storetest.Kinds() {
		s := storetest.NewFaulty(inner, storetest.Fault{At: 1, Kind: kind})
		if data, err := s.Get(s.Context(t.Context()), "a", 0, -1); data != nil || !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("%s: Get = %q, %v, want ErrInjected", kind, data, err)
		}
	}
}

// TestFaultyHidesAnswer checks that a lost answer does not show through.
func TestFaultyHidesAnswer(t *testing.T) {
	t.Parallel()
	s := storetest.NewFaulty(mem.New(), storetest.Fault{At: 2, Kind: storetest.LostAnswer})
	if err := s.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	err := s.Put(t.Context(), "a", nil)
	if errors.Is(err, fs.ErrExist) || !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("got %v, want ErrInjected alone", err)
	}
	if want := "put a (call 2, fault lost answer)"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
}

func TestHooked(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) store.Store {
		return storetest.NewHooked(mem.New(), func(string, string) {})
	})
}

func TestPaged(t *testing.T) {
	t.Parallel()
	for _, size := range []int{7, 1000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(testing.TB) store.Store { return storetest.NewPaged(mem.New(), size) })
		})
	}
}

// TestPagedShowsChanges changes a store between the pages of a listing.
func TestPagedShowsChanges(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	for _, name := range []string{"b", "d", "f", "h"} {
		if err := inner.Put(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	pages := 0
	hooked := storetest.NewHooked(inner, func(string, string) {
		if pages++; pages != 2 {
			return
		}
		for _, name := range []string{"a", "e"} {
			if err := inner.Put(t.Context(), name, nil); err != nil {
				t.Error(err)
			}
		}
		if err := inner.Delete(t.Context(), "b", "f"); err != nil {
			t.Error(err)
		}
	})
	if got, err := list(t, storetest.NewPaged(hooked, 2)); got != "bdeh" || err != nil || pages != 3 {
		t.Errorf("got %q, %v in %d pages, want bdeh in 3", got, err, pages)
	}
}

func TestHookedCalls(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	var calls []string
	s := storetest.NewHooked(inner, func(op, name string) {
		calls = append(calls, op+" "+name+", before: "+names(t, inner))
	})
	if err := s.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a", 0, -1); err != nil {
		t.Fatal(err)
	}
	if got, err := list(t, s); got != "a" || err != nil {
		t.Fatalf("list: %q, %v", got, err)
	}
	if err := s.Delete(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	want := []string{"put a, before: ", "get a, before: a", "list , before: a", "delete a b, before: a"}
	if !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
}

// names returns the joined names of all objects.
func names(t testing.TB, s store.Store) string {
	t.Helper()
	all, err := list(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func list(t testing.TB, s store.Store) (all string, err error) {
	t.Helper()
	return listIn(t.Context(), s)
}

func listIn(ctx context.Context, s store.Store) (all string, err error) {
	for o, err := range s.List(ctx, "") {
		if err != nil {
			return all, err
		}
		all += o.Name
	}
	return all, nil
}
