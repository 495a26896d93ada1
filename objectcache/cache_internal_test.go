package objectcache

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
			c := Open(t.TempDir())
			c.ReplaceTails(map[string]bool{a: true}, map[string][]byte{a: []byte("tail")}, "one", time.Unix(1e9, 0))
			c.Flush()
			c.PutTail(b, []byte("another"), tt.plans)
			c.Flush()
			for where, c := range map[string]*Cache{"memory": c, "file": Open(filepath.Dir(c.path))} {
				if _, ok := c.Get(b); !ok {
					t.Errorf("%s: the tail is lost", where)
				}
				if token, _ := c.Get(TokenEntry); (TokenOf(token) == "one") != tt.trusted {
					t.Errorf("%s: got token %q, want it to be trusted: %t", where, token, tt.trusted)
				}
			}
			c.ReplaceTails(map[string]bool{b: true}, nil, "three", time.Unix(1e9, 0))
			if _, ok := c.Get(a); ok {
				t.Error("a tail stays that no listing shows")
			}
		})
	}
}

// TestEntriesAfterAListing has a listing drop entries that it does not show, unless they were put after it began.
func TestEntriesAfterAListing(t *testing.T) {
	t.Parallel()
	c := Open("")
	c.Put("before", []byte("1"))
	began := c.Tick()
	c.Put("after", []byte("2"))
	c.DropUnlisted(began, func(string) bool { return true })
	if _, ok := c.Get("before"); ok {
		t.Error("an entry stays that the listing would show")
	}
	if _, ok := c.Get("after"); !ok {
		t.Error("an entry is gone that the listing need not show")
	}
}

// TestAdopt has a check's cache take the place of another one that is in use meanwhile.
func TestAdopt(t *testing.T) {
	t.Parallel()
	c := Open("")
	c.Put("meta/gone", []byte("1"))
	c.Put("state/old", []byte("1"))
	c.ReplaceTails(map[string]bool{}, nil, "one", time.Unix(1e9, 0))
	_, began := c.Copies()
	checked := Open("")
	checked.Put("meta/there", []byte("2"))
	checked.Put("state/aside/meta/gone", []byte("1"))
	checked.Put("state/old", []byte("stale"))
	checked.ReplaceTails(map[string]bool{}, nil, "two", time.Unix(1e9, 0))
	c.Put("meta/new", []byte("3"))
	c.Put("state/old", []byte("newer"))
	c.PutTail(pack.NewID().Name(), []byte("tail"), "one")
	own := func(name string) bool { return name == "state/old" }
	c.Adopt(checked, began, own)
	for name, want := range map[string]string{
		"meta/gone": "", "meta/there": "2", "meta/new": "3", "state/aside/meta/gone": "1", "state/old": "newer", TokenEntry: "",
	} {
		if got, _ := c.Get(name); string(got) != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
