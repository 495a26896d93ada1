package check

import (
	"cmp"
	"math"
	"slices"
)

// integers is a set of integers as stretches of neighbours, from one goroutine: keys that count up take one stretch, however many they are.
// The zero value is empty, and holds as many stretches as most says. A set with more is lost: nothing is known of it.
type integers struct {
	most      int
	lost      bool
	stretches []stretch // not sorted, and with what is in several of them, until they are merged
	merged    int       // how many stretches the last merge has left
}

// stretch is the integers from first to last.
type stretch struct{ first, last int64 }

// leastStretches is how many stretches are collected before they are merged for the first time.
const leastStretches = 1 << 12

// add adds an integer.
func (s *integers) add(n int64) {
	if s.lost {
		return
	}
	if k := len(s.stretches); k > 0 {
		last := &s.stretches[k-1]
		if n >= last.first && n <= last.last {
			return
		}
		if last.last < math.MaxInt64 && n == last.last+1 {
			last.last = n
			return
		}
	}
	if len(s.stretches) >= max(leastStretches, 2*s.merged) {
		if s.merge(); s.lost {
			return
		}
	}
	s.stretches = append(s.stretches, stretch{n, n})
}

// lose forgets the set.
func (s *integers) lose() { s.lost, s.stretches = true, nil }

// merge sorts the stretches and joins those that touch.
func (s *integers) merge() {
	slices.SortFunc(s.stretches, func(a, b stretch) int { return cmp.Compare(a.first, b.first) })
	joined := s.stretches[:0]
	for _, r := range s.stretches {
		if k := len(joined); k > 0 && (joined[k-1].last == math.MaxInt64 || r.first <= joined[k-1].last+1) {
			joined[k-1].last = max(joined[k-1].last, r.last)
			continue
		}
		joined = append(joined, r)
	}
	s.stretches, s.merged = joined, len(joined)
	if len(joined) > s.most {
		s.lose()
	}
}

// addAll adds another set.
func (s *integers) addAll(other *integers) {
	if s.lost || other.lost {
		s.lose()
		return
	}
	s.stretches = append(s.stretches, other.stretches...)
	s.merge()
}

// within reports whether all integers of the set are in another one. Both are known, and merged.
func (s *integers) within(other *integers) bool {
	at := 0
	for _, r := range s.stretches {
		for at < len(other.stretches) && other.stretches[at].last < r.first {
			at++
		}
		if at == len(other.stretches) || r.first < other.stretches[at].first || r.last > other.stretches[at].last {
			return false
		}
	}
	return true
}
