package check

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestIntegers compares sets with maps, for keys that count up, that are drawn from few and from all integers, and at both ends.
func TestIntegers(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	draws := map[string]func(i int) int64{
		"Up": func(i int) int64 { return int64(i) }, "Down": func(i int) int64 { return -int64(i) },
		"Few": func(int) int64 { return dice.Int64N(2000) - 1000 }, "All": func(int) int64 { return int64(dice.Uint64()) },
		"Ends": func(i int) int64 {
			if i%2 == 0 {
				return math.MaxInt64 - dice.Int64N(50)
			}
			return math.MinInt64 + dice.Int64N(50)
		},
	}
	for name, draw := range draws {
		sets, known := [2]integers{{most: 1 << 20}, {most: 1 << 20}}, map[int64]bool{}
		for i := range 20_000 {
			n := draw(i)
			known[n] = true
			sets[i%2].add(n)
		}
		whole := integers{most: 1 << 20}
		whole.addAll(&sets[0])
		whole.addAll(&sets[1])
		var count uint64
		for i, s := range whole.stretches {
			count += uint64(s.last) - uint64(s.first) + 1
			if !known[s.first] || !known[s.last] || i > 0 && s.first <= whole.stretches[i-1].last+1 {
				t.Fatalf("%s: stretch %d is %d to %d after %+v", name, i, s.first, s.last, whole.stretches[max(0, i-1)])
			}
		}
		if count != uint64(len(known)) {
			t.Errorf("%s: got %d integers, want %d", name, count, len(known))
		}
		compareWithin(t, name, &whole, known, dice)
	}
}

// compareWithin asks for sets of one integer each, in the set and near it.
func compareWithin(t *testing.T, name string, whole *integers, known map[int64]bool, dice *rand.Rand) {
	t.Helper()
	for n := range known {
		for _, m := range []int64{n, n + 1, n - 1, int64(dice.Uint64())} {
			one := integers{stretches: []stretch{{m, m}}}
			if got := one.within(whole); got != known[m] {
				t.Fatalf("%s: %d is in the set: %v", name, m, got)
			}
		}
	}
	if !whole.within(whole) || !(&integers{}).within(whole) || whole.within(&integers{}) {
		t.Errorf("%s: sets and their parts", name)
	}
}

// TestLostIntegers fills sets beyond their bounds. Nothing is known of them then, and they hold nothing.
func TestLostIntegers(t *testing.T) {
	t.Parallel()
	s := integers{most: 5000}
	for i := range int64(100_000) {
		s.add(i * 2)
		if len(s.stretches) > 2*5000 {
			t.Fatalf("it holds %d stretches", len(s.stretches))
		}
	}
	known := integers{most: 10, stretches: []stretch{{0, 1 << 20}}}
	if !s.lost {
		t.Error("a set of 100,000 stretches is known")
	}
	known.addAll(&s)
	if !known.lost {
		t.Error("a set with a lost one is known")
	}
}
