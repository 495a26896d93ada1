package overlay

import (
	"cmp"
	"io"
	"iter"
	"slices"
)

// Settled is what differs between two images. It may be used by several goroutines at once.
type Settled struct {
	runs  []run   // by offset
	holes []Range // in order: ranges whose older bytes were not kept
}

// Differing returns, in order, the ranges outside of which both images are the same.
func (s *Settled) Differing() iter.Seq2[int64, int64] {
	all := slices.Clone(s.holes)
	for i := range s.runs {
		all = append(all, Range{s.runs[i].offset, s.runs[i].end()})
	}
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a[0], b[0]) })
	return func(yield func(from, to int64) bool) {
		for i := 0; i < len(all); {
			r := all[i]
			for i++; i < len(all) && all[i][0] <= r[1]; i++ {
				r[1] = max(r[1], all[i][1])
			}
			if !yield(r[0], r[1]) {
				return
			}
		}
	}
}

// Older returns a reader of the older image, of size bytes: its bytes are those of the young one, but for what was kept of it,
// and for what stored has to give.
func (s *Settled) Older(young, stored io.ReaderAt, size int64) io.ReaderAt {
	return &reader{base: young, other: stored, size: size, settled: s, bytes: func(r *run) []byte { return r.old }}
}

// Young returns a reader of the new image, of size bytes: its bytes are those of the stored older one, but for what was kept.
// The changes must have been made to keep the bytes of the new image.
func (s *Settled) Young(stored io.ReaderAt, size int64) io.ReaderAt {
	return &reader{base: stored, size: size, settled: s, bytes: func(r *run) []byte { return r.young }}
}

// reader reads one of the images.
type reader struct {
	base    io.ReaderAt
	other   io.ReaderAt // for the holes; nil where runs fill them
	size    int64
	settled *Settled
	bytes   func(*run) []byte
}

// ReadAt reads bytes of the image.
func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset >= r.size {
		return 0, io.EOF
	}
	var err error
	if rest := r.size - offset; int64(len(p)) > rest {
		p, err = p[:rest], io.EOF
	}
	if n, failed := r.fill(p, offset); failed != nil {
		return n, failed
	}
	r.patch(p, offset)
	return len(p), err
}

// fill reads the bytes as the bases have them.
func (r *reader) fill(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		from, at := r.base, offset+int64(n)
		hole, next := r.settled.hole(at)
		if hole {
			from = r.other
		}
		k := int(min(int64(len(p)-n), next-at))
		if err := r.read(from, p[n:n+k], at, hole); err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// read reads a piece from one base. A piece that the older image has not, or runs give, may be beyond its end.
func (r *reader) read(from io.ReaderAt, p []byte, at int64, hole bool) error {
	n, err := 0, io.EOF
	if from != nil {
		n, err = from.ReadAt(p, at)
	}
	if n == len(p) || from == nil && r.covered(at, at+int64(len(p))) || err == io.EOF && !hole && r.covered(at+int64(n), at+int64(len(p))) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// covered reports whether runs give all bytes of a range.
func (r *reader) covered(from, to int64) bool {
	for i := r.settled.first(from); i < len(r.settled.runs) && from < to; i++ {
		run := &r.settled.runs[i]
		if run.offset > from || r.bytes(run) == nil {
			return false
		}
		from = run.end()
	}
	return from >= to
}

// patch writes what was kept over what the bases have.
func (r *reader) patch(p []byte, offset int64) {
	for i := r.settled.first(offset); i < len(r.settled.runs); i++ {
		run := &r.settled.runs[i]
		kept := r.bytes(run)
		if run.offset >= offset+int64(len(p)) {
			return
		}
		if len(kept) == 0 {
			continue
		}
		if run.offset < offset {
			copy(p, kept[offset-run.offset:])
		} else {
			copy(p[run.offset-offset:], kept)
		}
	}
}

// first returns the index of the first run that ends after a place.
func (s *Settled) first(at int64) int {
	i, _ := slices.BinarySearchFunc(s.runs, at+1, func(r run, end int64) int { return cmp.Compare(r.end(), end) })
	return i
}

// hole reports whether a place is in a hole, and where that changes next.
func (s *Settled) hole(at int64) (in bool, next int64) {
	i, _ := slices.BinarySearchFunc(s.holes, at+1, func(r Range, end int64) int { return cmp.Compare(r[1], end) })
	switch {
	case i == len(s.holes):
		return false, int64(^uint64(0) >> 1)
	case at >= s.holes[i][0]:
		return true, s.holes[i][1]
	}
	return false, s.holes[i][0]
}
