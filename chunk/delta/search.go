package delta

import (
	"encoding/binary"
	"math/bits"
)

const (
	longBits, shortBits = 16, 15 // of the tables' lengths
	indexStride         = 2      // in places: every second place of the base is indexed
	longMatch           = 64     // is taken as it is
	literalBits         = 6      // the cost of a literal, about
	sequenceBits        = 12     // the cost of a sequence beside its distance, about
	recentBits          = 2      // the cost of a recent distance
	hurry               = 8      // bits: the longer nothing is found, the less is looked at
)

// Search makes deltas of a plaintext on a base from which bytes have moved: a greedy
// search by hashes of 8 and 5 bytes that also tries the next place, as zstd's do. It is
// for one goroutine and has some hundred kilobytes of tables, so reuse it.
type Search struct {
	all   []byte // the base, and behind it the plaintext, as a decoder sees them
	base  int    // its length
	first uint32 // the tables' number for the first place; smaller numbers are of earlier searches
	long  [1 << longBits]uint32
	short [1 << shortBits]uint32

	block  block
	writer *blockWriter
}

// NewSearch returns a search.
func NewSearch() *Search { return &Search{writer: newBlockWriter()} }

// Append appends a frame with this plaintext to dst, of which the base is the dictionary.
// An empty plaintext has no frame.
func (s *Search) Append(dst, plain, base []byte) []byte {
	s.load(plain, base)
	if len(plain) == 0 {
		return dst
	}
	dst = AppendHeader(dst, len(plain), NoChecksum)
	s.block.recent = recentOffsets{1, 4, 8}
	for at := s.base; at < len(s.all); at += blockMax {
		end := min(at+blockMax, len(s.all))
		s.find(at, end)
		dst = s.writer.append(dst, &s.block, s.all[at:end], end == len(s.all))
	}
	return dst
}

// load indexes the base. Instead of clearing the tables it lets them speak of other
// places than before.
func (s *Search) load(plain, base []byte) {
	s.first += uint32(len(s.all))
	s.all, s.base = append(append(s.all[:0], base...), plain...), len(base)
	if s.first == 0 || s.first > 1<<31 {
		s.first = 1
		clear(s.long[:])
		clear(s.short[:])
	}
	for at := 0; at+8 <= len(base); at += indexStride {
		s.index(at, binary.LittleEndian.Uint64(base[at:]))
	}
}

func (s *Search) index(at int, bytes uint64) {
	s.long[hashLong(bytes)], s.short[hashShort(bytes)] = s.first+uint32(at), s.first+uint32(at)
}

// The multipliers are zstd's.
func hashLong(bytes uint64) uint32 { return uint32(bytes * 0xcf1bbcdcb7a56463 >> (64 - longBits)) }
func hashShort(bytes uint64) uint32 {
	return uint32(bytes << 24 * 889523592379 >> (64 - shortBits))
}

// match is a run of bytes that equals an earlier one.
type match struct {
	at, from, n int
	gain        int // in bits, about
}

// find makes literals and sequences of a block.
func (s *Search) find(at, end int) {
	s.block.reset()
	pending := at // literals from here on
	for at+8 <= end {
		m := s.best(at, end)
		if m.gain <= 0 {
			at += 1 + (at-pending)>>hurry
			continue
		}
		m = s.extend(s.lazyMatch(m, end), pending)
		s.record(m, pending)
		at = m.at + m.n
		pending = at
	}
	s.block.literals = append(s.block.literals, s.all[pending:end]...)
}

// best returns the best match at a place, and indexes this.
func (s *Search) best(at, end int) match {
	bytes := binary.LittleEndian.Uint64(s.all[at:])
	m := match{at: at}
	s.try(&m, at-s.block.recent[0], end, bytes)
	if m.n < longMatch {
		s.try(&m, at-s.block.recent[1], end, bytes)
		s.try(&m, at-s.block.recent[2], end, bytes)
		if at-s.base < s.base {
			s.try(&m, at-s.base, end, bytes)
		}
		s.try(&m, int(s.long[hashLong(bytes)])-int(s.first), end, bytes)
		s.try(&m, int(s.short[hashShort(bytes)])-int(s.first), end, bytes)
	}
	s.index(at, bytes)
	return m
}

// try takes the match with an earlier place, if that is better.
func (s *Search) try(m *match, from, end int, bytes uint64) {
	if from < 0 || from >= m.at || binary.LittleEndian.Uint32(s.all[from:]) != uint32(bytes) {
		return
	}
	n := s.common(from, m.at, end)
	gain := n*literalBits - sequenceBits
	if distance := m.at - from; s.block.recent.has(distance) {
		gain -= recentBits
	} else {
		gain -= bits.Len(uint(distance))
	}
	if gain > m.gain {
		m.from, m.n, m.gain = from, n, gain
	}
}

// common returns how many bytes are the same from two places on.
func (s *Search) common(from, at, end int) int {
	start := at
	for ; at+8 <= end; at, from = at+8, from+8 {
		if x := binary.LittleEndian.Uint64(s.all[from:]) ^ binary.LittleEndian.Uint64(s.all[at:]); x != 0 {
			return at - start + bits.TrailingZeros64(x)/8
		}
	}
	for at < end && s.all[from] == s.all[at] {
		at, from = at+1, from+1
	}
	return at - start
}

// lazyMatch returns a match at one of the next places if that is better.
func (s *Search) lazyMatch(m match, end int) match {
	for m.n < longMatch && m.at+9 <= end {
		next := s.best(m.at+1, end)
		if next.gain-literalBits <= m.gain {
			break
		}
		m = next
	}
	return m
}

// extend moves the begin of a match into the literals that are pending.
func (s *Search) extend(m match, pending int) match {
	for m.at > pending && m.from > 0 && s.all[m.at-1] == s.all[m.from-1] {
		m.at, m.from, m.n = m.at-1, m.from-1, m.n+1
	}
	return m
}

// record makes a sequence of a match and the literals before it.
func (s *Search) record(m match, pending int) {
	s.block.literals = append(s.block.literals, s.all[pending:m.at]...)
	offset := s.block.recent.value(m.at-m.from, m.at-pending)
	s.block.sequences = append(s.block.sequences, sequence{literals: m.at - pending, match: m.n, offset: offset})
	if m.n < longMatch {
		for at := m.at + 2; at < m.at+m.n && at+8 <= len(s.all); at += indexStride {
			s.index(at, binary.LittleEndian.Uint64(s.all[at:]))
		}
	}
}

// recentOffsets are the last three distances (RFC 8878, 3.1.1.5).
type recentOffsets [3]int

func (r *recentOffsets) has(distance int) bool {
	return distance == r[0] || distance == r[1] || distance == r[2]
}

// value returns the code of a distance, and notes that it is the last one.
// Without literals before it, the last one cannot be meant.
func (r *recentOffsets) value(distance, literals int) int {
	value := distance + 3
	switch {
	case distance == r[0] && literals > 0:
		return 1
	case distance == r[1]:
		r[0], r[1], value = r[1], r[0], 2
	case distance == r[2]:
		r[0], r[1], r[2], value = r[2], r[0], r[1], 3
	default:
		r[0], r[1], r[2] = distance, r[0], r[1]
		return value
	}
	if literals == 0 {
		value--
	}
	return value
}
