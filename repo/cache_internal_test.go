package repo

import (
	"path/filepath"
	"testing"
	"time"

	"firn/pack"
)

// TestTailsOfOtherPlans has operations that know different plans put tails into one cache:
// after that it does not say any more that they are all there are, nor does its file.
func TestTailsOfOtherPlans(t *testing.T) {
	t.Parallel()
	a, b := pack.NewID().Name(), pack.NewID().Name()
	for name, tt := range map[string]struct {
		plans   string // of the second tail
		trusted bool
	}{
		"Same":  {"one", true},
		"Other": {"two", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := openCache(t.TempDir())
			c.replaceTails(map[string]bool{a: true}, map[string][]byte{a: []byte("tail")}, "one", time.Unix(1e9, 0))
			c.flush()
			c.putTail(b, []byte("another"), tt.plans)
			c.flush()
			for where, c := range map[string]*cache{"memory": c, "file": openCache(filepath.Dir(c.path))} {
				if _, ok := c.get(b); !ok {
					t.Errorf("%s: the tail is lost", where)
				}
				if token, _ := c.get(tokenEntry); (tokenOf(token) == "one") != tt.trusted {
					t.Errorf("%s: got token %q, want it to be trusted: %t", where, token, tt.trusted)
				}
			}
			c.replaceTails(map[string]bool{b: true}, nil, "three", time.Unix(1e9, 0))
			if _, ok := c.get(a); ok {
				t.Error("a tail stays that no listing shows")
			}
		})
	}
}

// TestEntriesAfterAListing has a listing drop entries that it does not show, unless they were put after it began.
func TestEntriesAfterAListing(t *testing.T) {
	t.Parallel()
	c := openCache("")
	c.put("before", []byte("1"))
	began := c.tick()
	c.put("after", []byte("2"))
	c.dropUnlisted(began, func(string) bool { return true })
	if _, ok := c.get("before"); ok {
		t.Error("an entry stays that the listing would show")
	}
	if _, ok := c.get("after"); !ok {
		t.Error("an entry is gone that the listing need not show")
	}
}

// TestAdopt has a check's cache take the place of another one that is in use meanwhile.
func TestAdopt(t *testing.T) {
	t.Parallel()
	c := openCache("")
	c.put("meta/gone", []byte("1"))
	c.put("state/old", []byte("1"))
	c.replaceTails(map[string]bool{}, nil, "one", time.Unix(1e9, 0))
	_, began := c.copies()
	checked := openCache("")
	checked.put("meta/there", []byte("2"))
	checked.put(salvagePrefix+"meta/gone", []byte("1"))
	checked.put("state/old", []byte("stale"))
	checked.replaceTails(map[string]bool{}, nil, "two", time.Unix(1e9, 0))
	c.put("meta/new", []byte("3"))
	c.put("state/old", []byte("newer"))
	c.putTail(pack.NewID().Name(), []byte("tail"), "one")
	c.adopt(checked, began)
	for name, want := range map[string]string{
		"meta/gone": "", "meta/there": "2", "meta/new": "3", salvagePrefix + "meta/gone": "1", "state/old": "newer", tokenEntry: "",
	} {
		if got, _ := c.get(name); string(got) != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
