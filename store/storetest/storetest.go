// Package storetest tests stores and the code that uses them. [Run] checks
// every promise of [store.Store]; [Faulty] breaks down at a chosen call;
// [Hooked] lets a test act between calls; [Paged] lists in pages.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/store"
)

// Run tests the stores that open returns: each call is to return an empty
// store, and to clean up through t.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"CreateOnly", testCreateOnly},
		{"ConcurrentCreators", testConcurrentCreators},
		{"ConcurrentDeleters", testConcurrentDeleters},
		{"ConcurrentUse", testConcurrentUse},
		{"LongNames", testLongNames},
		{"Ranges", testRanges},
		{"Missing", testMissing},
		{"ListOrder", testListOrder},
		{"ListMany", testListMany},
		{"ListSeesChanges", testListSeesChanges},
		{"ListStopped", testListStopped},
		{"DeleteWhileListing", testDeleteWhileListing},
		{"Delete", testDelete},
		{"BadNames", testBadNames},
		{"Cancelled", testCancelled},
		{"OwnSlices", testOwnSlices},
		{"Sizes", testSizes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open(t))
		})
	}
}

func testCreateOnly(t *testing.T, s store.Store) {
	put(t, s, "meta/a", "first")
	for _, second := range []string{"second", "first", ""} {
		if err := s.Put(t.Context(), "meta/a", []byte(second)); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Put(%q) over an object: got %v, want fs.ErrExist", second, err)
		}
	}
	if got := get(t, s, "meta/a"); got != "first" {
		t.Errorf("got %q, want the first content", got)
	}
	remove(t, s, "meta/a")
	put(t, s, "meta/a", "again")
	if got := get(t, s, "meta/a"); got != "again" {
		t.Errorf("after Delete and Put: got %q, want the new content", got)
	}
}

func testConcurrentCreators(t *testing.T, s store.Store) {
	for round := range 5 {
		name := fmt.Sprintf("packs/%02x/race", round)
		content := func(i int) string { return strings.Repeat(string(rune('a'+i)), 10_000) }
		var mu sync.Mutex
		var winners []int
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				err := s.Put(t.Context(), name, []byte(content(i)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, i)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Errorf("Put by loser: got %v, want fs.ErrExist", err)
				}
			})
		}
		wg.Wait()
		if len(winners) != 1 {
			t.Fatalf("%s: writers %v were told that they created it, want one", name, winners)
		}
		if got := get(t, s, name); got != content(winners[0]) {
			t.Errorf("%s: got the bytes of another writer than %v", name, winners)
		}
	}
	testSameContent(t, s)
}

func testRanges(t *testing.T, s store.Store) {
	const content = "0123456789"
	put(t, s, "packs/00/a", content)
	put(t, s, "packs/00/empty", "")
	tests := []struct {
		name        string
		off, length int64
		want        string
		err         error
	}{
		{"packs/00/a", 0, -1, content, nil},
		{"packs/00/a", 0, 10, content, nil},
		{"packs/00/a", 0, 0, "", nil},
		{"packs/00/a", 0, 1, "0", nil},
		{"packs/00/a", 3, 4, "3456", nil},
		{"packs/00/a", 3, -1, "3456789", nil},
		{"packs/00/a", 3, -7, "3456789", nil},
		{"packs/00/a", 9, 1, "9", nil},
		{"packs/00/a", 10, -1, "", nil},
		{"packs/00/a", 10, 0, "", nil},
		{"packs/00/a", -1, -1, "9", nil},
		{"packs/00/a", -4, -1, "6789", nil},
		{"packs/00/a", -4, 2, "6789", nil},
		{"packs/00/a", -10, -1, content, nil},
		{"packs/00/a", -11, -1, content, nil},
		{"packs/00/a", math.MinInt64, -1, content, nil},
		{"packs/00/empty", 0, -1, "", nil},
		{"packs/00/empty", 0, 0, "", nil},
		{"packs/00/empty", -5, -1, "", nil},
		{"packs/00/a", 0, 11, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 7, 4, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 10, 1, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 11, -1, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 11, 0, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 11, 1, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 1, math.MaxInt64, "", io.ErrUnexpectedEOF},
		{"packs/00/a", math.MaxInt64, math.MaxInt64, "", io.ErrUnexpectedEOF},
		{"packs/00/empty", 0, 1, "", io.ErrUnexpectedEOF},
		{"packs/00/empty", 1, -1, "", io.ErrUnexpectedEOF},
		{"packs/00/a", 0, store.AtMost(10), content, nil},
		{"packs/00/a", 0, store.AtMost(math.MaxInt64), content, nil},
		{"packs/00/a", 0, math.MinInt64, content, nil},
		{"packs/00/a", 0, store.AtMost(9), "", store.ErrTooLarge},
		{"packs/00/a", 0, store.AtMost(2), "", store.ErrTooLarge},
		{"packs/00/a", 7, store.AtMost(2), "", store.ErrTooLarge},
		{"packs/00/a", 11, store.AtMost(2), "", io.ErrUnexpectedEOF},
		{"packs/00/empty", 0, store.AtMost(2), "", nil},
	}
	for _, tt := range tests {
		got, err := s.Get(t.Context(), tt.name, tt.off, tt.length)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Get(%s, %d, %d) = %q, %v, want %q, %v", tt.name, tt.off, tt.length, got, err, tt.want, tt.err)
		}
	}
}

func testMissing(t *testing.T, s store.Store) {
	put(t, s, "packs/00/a", "x")
	for _, name := range []string{"meta/config", "packs/00/b", "packs/00", "packs/01/a", "packs/00/aa"} {
		for _, r := range [][2]int64{{0, -1}, {0, 0}, {5, 5}, {-5, -1}} {
			got, err := s.Get(t.Context(), name, r[0], r[1])
			if got != nil || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Get(%s, %d, %d) = %q, %v, want fs.ErrNotExist", name, r[0], r[1], got, err)
			}
		}
	}
}

func testDelete(t *testing.T, s store.Store) {
	put(t, s, "meta/a", "a")
	put(t, s, "meta/b", "b")
	put(t, s, "packs/00/c", "c")
	remove(t, s)
	remove(t, s, "meta/nothing")
	remove(t, s, "nothing/nothing", "meta")
	remove(t, s, "packs", "packs/00")
	wantNames(t, s, "", "meta/a", "meta/b", "packs/00/c")
	remove(t, s, "meta/a", "meta/nothing", "packs/00/c", "meta/a")
	wantNames(t, s, "", "meta/b")
	remove(t, s, "meta/a", "packs/00/c")
	wantNames(t, s, "", "meta/b")
}

func testBadNames(t *testing.T, s store.Store) {
	put(t, s, "meta/a", "x")
	bad := []string{"", "/", "/meta/a", "meta/a/", "meta//a", "../a", "meta/../meta/a", "./meta/a", "meta/.a", "meta/A", `meta\a`, "meta/a\x00"}
	for _, name := range bad {
		if err := s.Put(t.Context(), name, nil); err == nil {
			t.Errorf("Put(%q): got nil, want an error", name)
		}
		if _, err := s.Get(t.Context(), name, 0, -1); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q): got %v, want an error of the name", name, err)
		}
		if err := s.Delete(t.Context(), "meta/a", name); err == nil {
			t.Errorf("Delete(%q): got nil, want an error", name)
		}
	}
	for _, prefix := range []string{"/", "/meta", "meta//", "..", "../", "meta/../", "M"} {
		if _, err := list(t.Context(), s, prefix); err == nil {
			t.Errorf("List(%q): got nil, want an error", prefix)
		}
	}
	wantNames(t, s, "", "meta/a") // so the bad names' Delete did nothing
}

func testCancelled(t *testing.T, s store.Store) {
	put(t, s, "meta/a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := s.Get(ctx, "meta/a", 0, -1)
	objects, listErr := list(ctx, s, "")
	errs := map[string]error{
		"Put":    s.Put(ctx, "meta/b", nil),
		"Get":    getErr,
		"List":   listErr,
		"Delete": s.Delete(ctx, "meta/a"),
	}
	for method, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", method, err)
		}
	}
	if len(objects) != 0 {
		t.Errorf("List yielded %v, want only an error", objects)
	}
	wantNames(t, s, "", "meta/a")
}

func testOwnSlices(t *testing.T, s store.Store) {
	data := []byte("abc")
	if err := s.Put(t.Context(), "meta/a", data); err != nil {
		t.Fatal(err)
	}
	copy(data, "xyz")
	got, err := s.Get(t.Context(), "meta/a", 0, -1)
	if err != nil || string(got) != "abc" {
		t.Fatalf("after a change of the slice that was put: got %q, %v, want abc", got, err)
	}
	copy(got, "xyz")
	_ = append(got[:1], "!!"...)
	if got := get(t, s, "meta/a"); got != "abc" {
		t.Errorf("after a change of the slice that was got: got %q, want abc", got)
	}
}

func testSizes(t *testing.T, s store.Store) {
	big := make([]byte, 20<<20)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(big) // never fails
	for name, want := range map[string][]byte{"packs/00/none": nil, "packs/00/one": {0}, "packs/00/big": big} {
		if err := s.Put(t.Context(), name, want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), name, 0, -1)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Get(%s) = %d bytes, %v, want the %d bytes put", name, len(got), err, len(want))
		}
	}
	got, err := s.Get(t.Context(), "packs/00/big", 10<<20+1, 3)
	if err != nil || !bytes.Equal(got, big[10<<20+1:][:3]) {
		t.Errorf("Get of 3 bytes within: got %v, %v, want %v", got, err, big[10<<20+1:][:3])
	}
	sizes := make(map[string]int64)
	for o, err := range s.List(t.Context(), "packs/") {
		if err != nil || o.Time.IsZero() {
			t.Fatalf("List: got %v, %v, want a time", o, err)
		}
		sizes[o.Name] = o.Size
	}
	if sizes["packs/00/none"] != 0 || sizes["packs/00/one"] != 1 || sizes["packs/00/big"] != 20<<20 {
		t.Errorf("List: got sizes %v", sizes)
	}
}

func put(t testing.TB, s store.Store, name, content string) {
	t.Helper()
	if err := s.Put(t.Context(), name, []byte(content)); err != nil {
		t.Fatalf("put: %v", err)
	}
}

func get(t testing.TB, s store.Store, name string) string {
	t.Helper()
	data, err := s.Get(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return string(data)
}

func remove(t testing.TB, s store.Store, names ...string) {
	t.Helper()
	if err := s.Delete(t.Context(), names...); err != nil {
		t.Fatalf("delete: %v", err)
	}
}

// list returns the names that a listing yields, and its error.
func list(ctx context.Context, s store.Store, prefix string) (names []string, err error) {
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return names, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}

func wantNames(t testing.TB, s store.Store, prefix string, want ...string) {
	t.Helper()
	got, err := list(t.Context(), s, prefix)
	if err != nil {
		t.Fatalf("list %q: %v", prefix, err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("list %q: got %v, want %v", prefix, got, want)
	}
}
