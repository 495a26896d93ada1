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
	// A window with room for fewer bytes ahead would be moved too often: usual
	// chunks take 2.5 MB, and only the largest lookAheadBytes.
	roomLeast = 4 << 20
)

// polynomialDegree is the degree of the polynomials of restic/chunker.
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

// DerivePolynomial returns the secret polynomial that follows from seed, an endless stream
// of key material.
func DerivePolynomial(seed io.Reader) (chunker.Pol, error) {
	return chunker.DerivePolynomial(seed)
}

// Chunk is one piece of an image.
type Chunk struct {
	ID     ID     // zero where the splitter had no need to compute it
	Offset uint64 // in the image
	Span   uint64 // its length
	Data   []byte // valid until the next call of [Splitter.Next]; nil if it was not read, see [Known]
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
	pending Chunk  // handed out by the last Next
	known   *Known // nil if the whole image is read
	absent  uint64 // bytes between the cut position and the window's end that were not read

	// guesses[i] is the ID of the bytes at the place of parent entry first+i.
	guesses []*named
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

// Known says which parts of an image need not be read, as they are certainly those of the
// parent.
type Known struct {
	Size uint64 // of the image
	// Unchanged reports whether the parent's chunk at offset is in the image, too,
	// and stored where it can be relied on.
	Unchanged func(e Entry, offset uint64) bool
	// Skip moves the reader n bytes on without reading them.
	Skip func(n int64) error
}

// Know has the splitter skip the known parts. It makes the same chunks as if it read
// everything. Call it before the first Next.
func (s *Splitter) Know(k Known) {
	s.known = &k
	s.win.sparse = true
}

// Next returns the next chunk, io.EOF after the last one, or the reader's error.
func (s *Splitter) Next() (Chunk, error) {
	s.advance()
	if s.kept == 0 && s.guess() {
		s.keep()
	}
	if s.kept > 0 {
		return s.inherit(), nil
	}
	return s.cut()
}

// advance moves past the chunk that the last Next handed out.
func (s *Splitter) advance() {
	s.win.drop(len(s.pending.Data))
	s.offset += s.pending.Span
	s.absent -= s.pending.Span - uint64(len(s.pending.Data))
	s.reader.ahead -= len(s.pending.Data)
	s.pending = Chunk{}
	for len(s.guesses) > 0 && s.parent.Offset(s.first) < s.offset {
		s.guesses = s.guesses[1:]
		s.first++
	}
}

// inherit hands out the next of the parent's chunks whose boundaries are kept.
func (s *Splitter) inherit() Chunk {
	s.kept--
	guess, span := s.guesses[0], s.parent.Entries[s.first].Span
	if guess.view != nil {
		return s.emit(guess.id, int(span))
	}
	s.pending = Chunk{ID: guess.id, Offset: s.offset, Span: span}
	return s.pending
}

// emit hands out the next n bytes.
func (s *Splitter) emit(id ID, n int) Chunk {
	s.pending = Chunk{ID: id, Offset: s.offset, Span: uint64(n), Data: s.win.fill(n)[:n]}
	return s.pending
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
	s.win.reserve(max(s.lookAhead()+1, s.room())) // so that the views stay where they are
	names := newNames(s.name)
	for i := s.first + len(s.guesses); i < s.first+lookAheadChunks && s.within(i); i++ {
		if s.skip(i) {
			names.know(s.parent.Entries[i].ID)
			continue
		}
		view := s.reach(i)
		if view == nil {
			break
		}
		names.add(view)
	}
	s.guesses = append(s.guesses, names.wait()...)
	return len(s.guesses) > 0
}

// room returns how large the window is to be at least: it holds all of a small image, so that a watch of many small databases
// does not clear megabytes for each.
func (s *Splitter) room() int {
	if s.known == nil {
		return roomLeast
	}
	return int(min(s.known.Size+1, roomLeast))
}

// lookAhead returns how many bytes the next guesses take.
func (s *Splitter) lookAhead() int {
	last := min(s.first+lookAheadChunks, s.parent.Len())
	return int(min(s.parent.Offset(last)-s.offset, lookAheadBytes))
}

// within reports whether the parent has a chunk i, and that is not too far ahead.
func (s *Splitter) within(i int) bool {
	return i < s.parent.Len() && s.parent.Offset(i+1)-s.offset <= lookAheadBytes
}

// skip moves over the bytes at the place of the parent's chunk i without reading
// them, if they are known to be the parent's. Its guess is right then, so that its
// boundary is kept: no chunker will ask for the bytes.
func (s *Splitter) skip(i int) bool {
	if s.known == nil {
		return false
	}
	from, to := s.parent.Offset(i), s.parent.Offset(i+1)
	if to > s.known.Size || s.isLast(i) && to < s.known.Size || !s.known.Unchanged(s.parent.Entries[i], from) {
		return false
	}
	if !s.win.skip(int(from-s.offset-s.absent), int(to-from), s.known.Skip) {
		return false
	}
	s.absent += to - from
	return true
}

// reach returns the bytes at the place of the parent's chunk i, nil if they are not
// all in the image. The parent's last chunk ended with its image, not at a cut: its
// end is a boundary only if this image ends there too, else a growing database would
// leave a trail of small chunks.
func (s *Splitter) reach(i int) []byte {
	from := int(s.parent.Offset(i) - s.offset - s.absent)
	to := from + int(s.parent.Entries[i].Span)
	beyond := 0
	if s.isLast(i) {
		beyond = 1
	}
	have := len(s.win.fill(to + beyond))
	if have < to || s.isLast(i) && have > to {
		return nil
	}
	return s.win.fill(to)[from:to]
}

func (s *Splitter) isLast(i int) bool { return i == s.parent.Len()-1 }

// keep decides how many of the guessed boundaries are inherited: all up to the last chunk
// whose bytes are unchanged at its place. The boundaries after that stay guesses until more
// of the image was read.
func (s *Splitter) keep() {
	for i := len(s.guesses) - 1; i >= 0; i-- {
		if s.guesses[i].id == s.parent.Entries[s.first+i].ID {
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
		return s.guesses[0].id
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
