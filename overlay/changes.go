// Package overlay keeps what differs between an image and an older one while the new image is stored, so that both can be read
// afterwards though only one of them is at hand.
package overlay

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"sync"
)

// Range is the bytes of an image from the first number up to the second.
type Range = [2]int64

// blockSize is what is compared at once, in bytes: the smallest page of SQLite. Blocks begin at multiples of it.
const blockSize = 512

// run is neighbouring bytes that differ.
type run struct {
	offset     int64
	old, young []byte // of equal length; old is nil where the older bytes are not known, young where they are not kept
}

func (r *run) end() int64 { return r.offset + int64(max(len(r.old), len(r.young))) }

// Changes are the bytes of a new image that are not those of an older one at the same place. The methods up to [Changes.Settle]
// may be called by several goroutines at once, the others after it.
type Changes struct {
	keepYoung bool
	limit     int64 // of the bytes that are kept

	mu       sync.Mutex
	kept     int64
	runs     []run
	compared []Range // the older bytes are known there
}

// New returns changes that keep up to a number of bytes. keepYoung says that the new image cannot be read again, so that its
// bytes are kept beside the older ones.
func New(limit int64, keepYoung bool) *Changes { return &Changes{limit: limit, keepYoung: keepYoung} }

// Compare takes a piece of the new image and a piece of the older one, each at its place. Their overlap is compared. The rest
// of the new piece counts as not compared.
func (c *Changes) Compare(offset int64, young []byte, oldOffset int64, old []byte) {
	from, to := max(offset, oldOffset), min(offset+int64(len(young)), oldOffset+int64(len(old)))
	if from >= to {
		c.Add(offset, young)
		return
	}
	c.Add(offset, young[:from-offset])
	c.Add(to, young[to-offset:])
	var runs []run
	for a, b := range differing(from, young[from-offset:to-offset], old[from-oldOffset:to-oldOffset]) {
		r := run{offset: a, old: bytes.Clone(old[a-oldOffset : b-oldOffset])}
		if c.keepYoung {
			r.young = bytes.Clone(young[a-offset : b-offset])
		}
		runs = append(runs, r)
	}
	c.add(runs, Range{from, to})
}

// Add takes a piece of the new image that cannot be compared.
func (c *Changes) Add(offset int64, young []byte) {
	if c.keepYoung && len(young) > 0 {
		c.add([]run{{offset: offset, young: bytes.Clone(young)}}, Range{})
	}
}

// differing returns the ranges of blocks in which two pieces at the same place differ.
func differing(offset int64, a, b []byte) iter.Seq2[int64, int64] {
	return func(yield func(from, to int64) bool) {
		from := int64(-1)
		for at := 0; at < len(a); {
			end := min(len(a), at+blockSize-int((offset+int64(at))%blockSize))
			same := bytes.Equal(a[at:end], b[at:end])
			if same && from >= 0 && !yield(from, offset+int64(at)) {
				return
			}
			switch {
			case same:
				from = -1
			case from < 0:
				from = offset + int64(at)
			}
			at = end
		}
		if from >= 0 {
			yield(from, offset+int64(len(a)))
		}
	}
}

// add keeps runs, and forgets everything once there is too much to keep.
func (c *Changes) add(runs []run, compared Range) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range runs {
		c.kept += int64(len(r.old) + len(r.young))
	}
	if c.kept > c.limit {
		c.runs, c.compared = nil, nil
		return
	}
	c.runs = append(c.runs, runs...)
	if compared[0] < compared[1] {
		c.compared = append(c.compared, compared)
	}
}

// Settle ends the collection. The images are the same outside of the ranges that differing returns in order. Settle reports
// whether everything that differs was kept.
func (c *Changes) Settle(differing iter.Seq2[int64, int64]) (*Settled, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept > c.limit {
		return nil, false
	}
	slices.SortFunc(c.runs, func(a, b run) int { return cmp.Compare(a.offset, b.offset) })
	slices.SortFunc(c.compared, func(a, b Range) int { return cmp.Compare(a[0], b[0]) })
	s := &Settled{runs: c.runs}
	for from, to := range differing {
		s.holes = append(s.holes, without(Range{from, to}, c.compared)...)
	}
	return s, true
}

// without returns the parts of a range that are in none of some sorted ranges.
func without(r Range, others []Range) (rest []Range) {
	first, _ := slices.BinarySearchFunc(others, r[0], func(o Range, at int64) int { return cmp.Compare(o[1], at+1) })
	for _, o := range others[first:] {
		if o[0] >= r[1] {
			break
		}
		if r[0] < o[0] {
			rest = append(rest, Range{r[0], o[0]})
		}
		r[0] = max(r[0], o[1])
	}
	if r[0] < r[1] {
		rest = append(rest, r)
	}
	return rest
}
