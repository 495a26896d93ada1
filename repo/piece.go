package repo

import (
	"io"

	"firn/chunk"
)

// Piece names a run of bytes of an image without reading them. Images of one repository that have the same piece, by ==, have
// the same bytes there.
type Piece struct {
	entry chunk.Entry
	start uint64
}

// End returns the place in the image after the last byte of the piece.
func (p Piece) End() int64 { return int64(p.start + p.entry.Span) }

// Piece returns the piece that covers a byte. Only nodes of the list of chunks are read for it. It fails as [RandomReader.ReadAt]
// does.
func (r *RandomReader) Piece(at int64) (p Piece, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at < 0 || uint64(at) >= r.root.Span {
		return Piece{}, io.EOF
	}
	err = r.again(func() error { return r.find(uint64(at)) })
	if err != nil {
		return Piece{}, err
	}
	i := r.chunks.At(uint64(at) - r.start)
	return Piece{r.chunks.Entries[i], r.start + r.chunks.Offset(i)}, nil
}
