package chunk

import (
	"fmt"
	"io"

	"github.com/restic/chunker"
)

// lookAhead bounds, in chunks and in bytes, how far a [Splitter] looks for a
// parent's chunk that is still in place. See docs/design.md, "Boundaries".
const (
	lookAheadChunks = 32
	lookAheadBytes  = MaxPlain
)

// polynomialDegree is the one that the chunker makes and takes.
const polynomialDegree = 53

// Params says where a repository's chunks may end. They are fixed when the
// repository is made (docs/format.md, section 2).
type Params struct {
	Min, Max    int         // bytes
	AverageBits int         // a cut every 2^AverageBits bytes past Min, on random data
	Polynomial  chunker.Pol // secret, irreducible, degree 53
}

// Validate refuses sizes that the chunker or the format cannot work with.
func (p Params) Validate() error {
	if p.Min < 512 || p.Max < p.Min || p.Max > MaxPlain || p.AverageBits < 8 || p.AverageBits > 22 {
		return fmt.Errorf("chunk sizes: min %d, max %d, average 2^%d are out of range", p.Min, p.Max, p.AverageBits)
	}
	if p.Polynomial.Deg() != polynomialDegree {
		return fmt.Errorf("chunker polynomial: degree %d, want %d", p.Polynomial.Deg(), polynomialDegree)
	}
	return nil
}

// DerivePolynomial returns the secret polynomial that seed, an endless stream
// of key material, leads to.
func DerivePolynomial(seed io.Reader) (chunker.Pol, error) {
	return chunker.DerivePolynomial(seed)
}

// Chunk is one piece of an image.
type Chunk struct {
	ID     ID     // zero where the splitter had no need to compute it
	Offset uint64 // in the image
	Data   []byte // valid until the next call of [Splitter.Next]
}

// Splitter cuts an image into chunks. Where the image continues a parent whose
// bytes are still in place it inherits the parent's boundaries, elsewhere it
// cuts by content with restic/chunker. It is for one goroutine.
type Splitter struct {
	params  Params
	name    Namer
	parent  *List
	win     window
	offset  uint64 // of the cut position in the image
	pending int    // bytes handed out by the last Next

	// guesses[i] is the ID of the bytes at the place of parent entry first+i.
	guesses []ID
	first   int
	kept    int // guesses that are decided: their boundaries are inherited

	chunker *chunker.Chunker
	reader  follower
	cutting bool // the chunker's state continues at the cut position
	scratch []byte
}

// NewSplitter returns a splitter of the image r. The parent may be nil. The
// namer is called from several goroutines at once.
func NewSplitter(r io.Reader, params Params, parent *List, name Namer) *Splitter {
	if parent == nil {
		parent = &List{}
	}
	s := &Splitter{params: params, name: name, parent: parent}
	s.win.r = r
	s.reader.w = &s.win
	return s
}

// Next returns the next chunk, io.EOF after the last one, or the reader's error.
func (s *Splitter) Next() (Chunk, error) {
	s.advance()
	if s.kept == 0 && s.guess() {
		s.keep()
	}
	if s.kept > 0 {
		s.kept--
		return s.emit(s.guesses[0], int(s.parent.Entries[s.first].Span)), nil
	}
	return s.cut()
}

// advance moves past the chunk that the last Next handed out.
func (s *Splitter) advance() {
	s.win.drop(s.pending)
	s.offset += uint64(s.pending)
	s.reader.ahead -= s.pending
	s.pending = 0
	for len(s.guesses) > 0 && s.parent.Offset(s.first) < s.offset {
		s.guesses = s.guesses[1:]
		s.first++
	}
}

// emit hands out the next n bytes.
func (s *Splitter) emit(id ID, n int) Chunk {
	s.pending = n
	return Chunk{ID: id, Offset: s.offset, Data: s.win.fill(n)[:n]}
}

// guess names the bytes at the places of the parent's next chunks, if the cut
// position is at a parent's boundary, and reports whether there are any.
func (s *Splitter) guess() bool {
	if len(s.guesses) == 0 {
		s.first = s.parent.At(s.offset)
	}
	if s.first == s.parent.Len() || s.parent.Offset(s.first) != s.offset {
		return false
	}
	s.win.reserve(lookAheadBytes + 1) // so that the views stay where they are
	names := newNames(s.name)
	for n := len(s.guesses); n < lookAheadChunks; n++ {
		view := s.reach(s.first + n)
		if view == nil {
			break
		}
		names.add(view)
	}
	s.guesses = append(s.guesses, names.wait()...)
	return len(s.guesses) > 0
}

// reach returns the bytes at the place of the parent's chunk i, nil if they are out of
// reach or not all in the image. The parent's last chunk ended with its image, not
// at a cut: its end is a boundary only if this image ends there too, else a
// growing database would leave a trail of small chunks.
func (s *Splitter) reach(i int) []byte {
	if i >= s.parent.Len() {
		return nil
	}
	from, to := s.parent.Offset(i)-s.offset, s.parent.Offset(i+1)-s.offset
	if to > lookAheadBytes {
		return nil
	}
	view := s.win.fill(int(to) + 1)
	have, last := uint64(len(view)), i == s.parent.Len()-1
	if have < to || last && have > to {
		return nil
	}
	return view[from:to]
}

// keep decides how many of the guessed boundaries are inherited: all up to the
// last chunk whose bytes are unchanged at its place. What follows it stays a
// guess until more of the image has been seen.
func (s *Splitter) keep() {
	for i := len(s.guesses) - 1; i >= 0; i-- {
		if s.guesses[i] == s.parent.Entries[s.first+i].ID {
			s.kept = i + 1
			s.cutting = false
			return
		}
	}
}

// cut lets the chunker find the next boundary. A chunker starts afresh after
// every cut, so that its cuts do not depend on where it began.
func (s *Splitter) cut() (Chunk, error) {
	if !s.cutting {
		s.restart()
	}
	c, err := s.chunker.Next(s.scratch)
	if err != nil {
		if failure := s.win.failure(); failure != nil {
			return Chunk{}, failure
		}
		return Chunk{}, err
	}
	s.scratch = c.Data
	n := int(c.Length)
	return s.emit(s.guessed(n), n), nil
}

// guessed returns the ID of the next n bytes if it is known, else the zero ID.
func (s *Splitter) guessed(n int) ID {
	if len(s.guesses) > 0 && s.parent.Offset(s.first) == s.offset && s.parent.Entries[s.first].Span == uint64(n) {
		return s.guesses[0]
	}
	return ID{}
}

// restart sets the chunker to the cut position.
func (s *Splitter) restart() {
	s.reader.ahead = 0
	s.cutting = true
	if s.chunker == nil {
		s.chunker = chunker.New(nil, s.params.Polynomial)
	}
	s.chunker.ResetWithBoundaries(&s.reader, s.params.Polynomial, uint(s.params.Min), uint(s.params.Max))
	s.chunker.SetAverageBits(s.params.AverageBits)
}
