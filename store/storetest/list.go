package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/store"
)

func testListOrder(t *testing.T, s store.Store) {
	wantNames(t, s, "")
	wantNames(t, s, "packs/")
	names := []string{ // sorted as bytes: '-' < '/' < '0'
		"a-b", "a/b", "a/b-c", "a/c/d", "a/c0", "a0", "meta/config", "meta/gc-1", "meta/gc-2",
		"meta/key-0", "packs/00/ff", "packs/0a/00", "packs/a0/00",
	}
	for _, i := range rand.Perm(len(names)) {
		put(t, s, names[i], names[i])
	}
	wantNames(t, s, "", names...)
	prefixes := []string{
		"a", "a-", "a/", "a/b", "a/b-c", "a/b-c-", "a/c", "a/c/", "a0", "b", "m", "meta", "meta/", "meta/g",
		"meta/gc-", "meta/gc-3", "meta/gc-1", "pack", "packs/0", "packs/00/", "packs/0a/0", "packs/b/c/d",
	}
	for _, prefix := range prefixes {
		without := func(name string) bool { return !strings.HasPrefix(name, prefix) }
		wantNames(t, s, prefix, slices.DeleteFunc(slices.Clone(names), without)...)
	}
}

// testListMany lists and deletes more objects than fit into one page or one
// batch of 1,000.
func testListMany(t *testing.T, s store.Store) {
	names := make([]string, 2_500)
	for i := range names {
		names[i] = fmt.Sprintf("meta/snap-%08x", i*7919)
	}
	slices.Sort(names)
	putMany(t, s, names)
	put(t, s, "meta/key-0", "")
	put(t, s, "meta/zzz", "")
	wantNames(t, s, "meta/snap-", names...)
	wantNames(t, s, "meta/snap-0000", slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !strings.HasPrefix(name, "meta/snap-0000")
	})...)
	cancelListing(t, s, "meta/snap-", len(names))
	remove(t, s, names...)
	wantNames(t, s, "", "meta/key-0", "meta/zzz")
}

// putMany puts with many goroutines, because each Put waits for a disk or a
// network.
func putMany(t *testing.T, s store.Store, names []string) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(names, len(names)/32+1) {
		wg.Go(func() {
			for _, name := range part {
				if err := s.Put(t.Context(), name, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func testListSeesChanges(t *testing.T, s store.Store) {
	listing := s.List(t.Context(), "meta/")
	var want []string
	for i := range 10 {
		name := fmt.Sprintf("meta/%d", i)
		put(t, s, name, "")
		want = append(want, name)
		wantNames(t, s, "meta/", want...)
	}
	for len(want) > 0 {
		remove(t, s, want[0])
		want = want[1:]
		wantNames(t, s, "", want...)
	}
	put(t, s, "meta/late", "")
	for o, err := range listing { // a listing begins when its loop does
		if err != nil || o.Name != "meta/late" {
			t.Errorf("range over an older List: got %v, %v, want meta/late", o, err)
		}
		want = append(want, o.Name)
	}
	if len(want) != 1 {
		t.Errorf("range over an older List: got %v, want meta/late", want)
	}
}

func testListStopped(t *testing.T, s store.Store) {
	for _, name := range []string{"a/1", "a/2", "b/1", "b/2"} {
		put(t, s, name, "")
	}
	for want := 1; want <= 4; want++ {
		n := 0
		for range s.List(t.Context(), "") {
			if n++; n == want {
				break
			}
		}
		if n != want {
			t.Errorf("got %d objects before the break, want %d", n, want)
		}
	}
}

// testDeleteWhileListing also checks that a loop's body may use the store.
func testDeleteWhileListing(t *testing.T, s store.Store) {
	const folders, files = 8, 8
	for i := range folders * files {
		put(t, s, fmt.Sprintf("packs/%02x/%02x", i/files, i%files), "")
	}
	seen := make(map[string]bool)
	for o, err := range s.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatalf("list while objects are deleted: %v", err)
		}
		seen[o.Name] = true
		i := len(seen) - 1
		remove(t, s, o.Name, fmt.Sprintf("packs/%02x/%02x", folders-1, i%files))
		put(t, s, fmt.Sprintf("meta/%02x", i), "")
	}
	for i := range (folders - 1) * files { // these existed until the listing had shown them
		if name := fmt.Sprintf("packs/%02x/%02x", i/files, i%files); !seen[name] {
			t.Errorf("list while other objects are deleted: %s is missing", name)
		}
	}
	wantNames(t, s, "packs/")
}
