package check

import (
	"hash/maphash"
	"math/bits"
)

// A multiset of keys is represented by the sum, modulo 2^128, of a keyed hash of each of them. Two multisets are taken
// for equal if their sums and their sizes are. The keys of the hash are random in each run, and chosen after the damage
// was done. For a random function the sums of two different multisets are equal with a probability of at most 2^-128
// times the largest difference of how often a key is in them, which is less than 2^40: no damage, however it came about,
// can be made to cancel out. [maphash] is used twice, with independent seeds, for 128 bits; nothing that is stored
// depends on it.

// sum is a number of 128 bits, with the count of what was added.
type sum struct {
	high, low uint64
	count     int64
}

func (s *sum) add(t sum) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, t.low, 0)
	s.high, _ = bits.Add64(s.high, t.high, carry)
	s.count += t.count
}

// negative returns what takes a sum away.
func (s sum) negative() sum {
	low, borrow := bits.Sub64(0, s.low, 0)
	high, _ := bits.Sub64(0, s.high, borrow)
	return sum{high, low, -s.count}
}

// hasher hashes keys. It can be used by several goroutines.
type hasher struct{ high, low maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

// hash returns the sum of one key.
func (h hasher) hash(key []byte) sum {
	return sum{maphash.Bytes(h.high, key), maphash.Bytes(h.low, key), 1}
}
