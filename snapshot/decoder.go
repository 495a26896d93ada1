package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Decoder decodes many records and notes in the memory of one. The zero Decoder is ready
// for use, by one goroutine. Its results keep no reference to it.
type Decoder struct {
	zstd  *zstd.Decoder
	plain []byte            // the last document
	texts map[string]string // texts that many records share
}

// maxKept is the largest buffer, in bytes, that is kept for the next document.
const maxKept = 256 << 10

// Snapshot decodes a record that [Snapshot.Marshal] made. Unknown fields are ignored. For
// any b it allocates no more than 16 MiB of JSON need. The error matches [ErrVersion] for
// a record that a newer firn made, and [ErrFormat] for all other bytes.
func (d *Decoder) Snapshot(b []byte) (*Snapshot, error) {
	plain, err := d.unframe(b)
	if err != nil {
		return nil, err
	}
	return d.document(plain)
}

// document decodes the JSON of a record.
func (d *Decoder) document(plain []byte) (*Snapshot, error) {
	s, ok := d.read(plain)
	if !ok { // not spelled as by Marshal
		var err error
		if s, err = decode(plain); err != nil {
			return nil, err
		}
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// Note decodes a note that [Note.Marshal] made. Unknown fields are ignored. The errors
// and the bound on memory are those of [Decoder.Snapshot].
func (d *Decoder) Note(b []byte) (*Note, error) {
	plain, err := d.unframe(b)
	if err != nil {
		return nil, err
	}
	return decodeNote(plain)
}

// unframe checks length and padding and returns the document between them, which is
// valid until the next call.
func (d *Decoder) unframe(b []byte) ([]byte, error) {
	if len(b) == 0 || len(b)%padding != 0 {
		return nil, fmt.Errorf("%w: length %d is not a multiple of %d", ErrFormat, len(b), padding)
	}
	n, rest := binary.LittleEndian.Uint32(b), b[lengthLen:]
	if uint64(n)+padding <= uint64(len(rest)) || uint64(n) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: frame of %d bytes in %d", ErrFormat, n, len(b))
	}
	if len(bytes.Trim(rest[n:], "\x00")) > 0 {
		return nil, fmt.Errorf("%w: padding is not zero", ErrFormat)
	}
	return d.decompress(rest[:n])
}

// decompress decodes a single frame into the size it declares, so that memory
// is bounded before anything is decoded.
func (d *Decoder) decompress(frame []byte) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if h.Skippable || !h.HasFCS || h.FrameContentSize > maxJSON {
		return nil, fmt.Errorf("%w: frame of undeclared or excessive size", ErrFormat)
	}
	if err := d.prepare(int(h.FrameContentSize)); err != nil {
		return nil, err
	}
	plain, err := d.zstd.DecodeAll(frame, d.plain[:0:h.FrameContentSize])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return plain, nil
}

// prepare makes the decompressor, and a buffer for a document of n bytes.
func (d *Decoder) prepare(n int) error {
	if cap(d.plain) < n || cap(d.plain) > maxKept {
		d.plain = make([]byte, 0, n)
	}
	if d.zstd != nil {
		return nil
	}
	var err error
	d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxJSON), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return fmt.Errorf("decompress record: %w", err)
	}
	return nil
}
