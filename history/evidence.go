package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"firn/repo"
)

// evidence is all that SQLite has read of an image for an answer. SQLite computes the answer from these bytes alone. So another
// image with the same bytes at the same places has the same answer, and need not be asked.
//
// Almost every commit writes counters into the header of page 1, the sizes of the file and of the freelist among them. No row
// depends on them, as long as the size in the header is that of the image: they are not compared.
type evidence struct {
	size  int64
	parts []part // in the order of the image, each once
}

// part is a run of bytes that was read at once.
type part struct {
	from, to int64
	sum      [sha256.Size]byte // of the bytes, without the counters
	pieces   []repo.Piece      // that cover the bytes
}

// The fields of the header of a database that [evidence] is about (https://www.sqlite.org/fileformat2.html, section 1.3).
const (
	headerLen     = 100
	pageSizeAt    = 16
	countersFrom  = 24 // the change counter, the number of pages, and the freelist
	pageCountAt   = 28
	countersTo    = 40
	validForAt    = 92 // the change counter for which the number of pages is right, and the version of SQLite
	maxPageSize   = 65536
	bigPageMarker = 1
)

// watched is an image that notes what is read of it. It is for one goroutine.
type watched struct {
	*repo.RandomReader
	read map[[2]int64]part // by the beginning and the end
}

func watch(image *repo.RandomReader) *watched {
	return &watched{image, make(map[[2]int64]part)}
}

// ReadAt implements [io.ReaderAt].
func (w *watched) ReadAt(p []byte, at int64) (n int, err error) {
	n, err = w.RandomReader.ReadAt(p, at)
	place := [2]int64{at, at + int64(n)}
	if _, known := w.read[place]; !known && n > 0 {
		w.read[place] = part{from: at, to: place[1], sum: sum(p[:n], at)}
	}
	return n, err
}

// evidence returns what was read so far.
func (w *watched) evidence() (*evidence, error) {
	e := &evidence{size: w.Size()}
	for _, p := range w.read {
		for at := p.from; at < p.to; {
			piece, err := w.Piece(at)
			if err != nil {
				return nil, err
			}
			p.pieces = append(p.pieces, piece)
			at = piece.End()
		}
		e.parts = append(e.parts, p)
	}
	slices.SortFunc(e.parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return e, nil
}

// sum returns a checksum of bytes at a place of an image, without the counters.
func sum(b []byte, at int64) [sha256.Size]byte {
	if at >= headerLen {
		return sha256.Sum256(b)
	}
	b = slices.Clone(b)
	for _, counters := range [][2]int64{{countersFrom, countersTo}, {validForAt, headerLen}} {
		for i := max(counters[0], at); i < min(counters[1], at+int64(len(b))); i++ {
			b[i-at] = 0
		}
	}
	return sha256.Sum256(b)
}

// holds reports whether an image has the same bytes. It reads only where the lists of chunks do not tell.
func (e *evidence) holds(image *repo.RandomReader) (bool, error) {
	if fits, err := e.sizeFits(image); !fits || err != nil {
		return false, err
	}
	for _, p := range e.parts {
		if same, err := p.holds(image); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// sizeFits reports whether the image is as long as its header says.
func (e *evidence) sizeFits(image *repo.RandomReader) (bool, error) {
	if len(e.parts) == 0 {
		return false, nil // nothing is known
	}
	piece, err := image.Piece(0)
	if err != nil || image.Size() == e.size && piece == e.parts[0].pieces[0] {
		return err == nil, err
	}
	header := make([]byte, headerLen)
	if _, err := image.ReadAt(header, 0); err != nil {
		return false, err
	}
	return saysSize(header, image.Size()), nil
}

// saysSize reports whether SQLite takes an image of a size for as long as its header says.
func saysSize(header []byte, size int64) bool {
	pageSize := int64(binary.BigEndian.Uint16(header[pageSizeAt:]))
	if pageSize == bigPageMarker {
		pageSize = maxPageSize
	}
	if pageSize == 0 || size%pageSize != 0 {
		return false
	}
	pages := int64(binary.BigEndian.Uint32(header[pageCountAt:]))
	valid := binary.BigEndian.Uint32(header[countersFrom:]) == binary.BigEndian.Uint32(header[validForAt:])
	return pages == 0 || !valid || pages*pageSize == size // else SQLite goes by the size of the file
}

// holds reports whether an image has the same bytes at this place.
func (p part) holds(image *repo.RandomReader) (bool, error) {
	if p.to > image.Size() {
		return false, nil
	}
	at := p.from
	for _, known := range p.pieces {
		piece, err := image.Piece(at)
		if err != nil {
			return false, err
		}
		if piece != known {
			return p.compare(image)
		}
		at = piece.End()
	}
	return true, nil
}

// compare reads the bytes.
func (p part) compare(image *repo.RandomReader) (bool, error) {
	b := make([]byte, p.to-p.from)
	if _, err := image.ReadAt(b, p.from); err != nil {
		return false, err
	}
	return sum(b, p.from) == p.sum, nil
}
