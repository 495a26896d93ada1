package agent

import (
	"io"

	"firn/pull"
)

// sendAll describes the image and sends all pages. How many there are can show only when the first was read: a database with a
// rollback journal is copied then.
func (x *exchange) sendAll() error {
	piece := make([]byte, pieceSize)
	for first := true; ; first = false {
		n, err := io.ReadFull(x.opened, piece)
		if first && n > 0 {
			if err := x.describe(); err != nil {
				return err
			}
		}
		if n > 0 {
			if err := x.Write(pull.Data, piece[:n]); err != nil {
				return err
			}
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return x.end()
		default:
			return err
		}
	}
}

// send sends the pages of ranges.
func (x *exchange) send(ranges [][2]int64) error {
	p := &pieces{x: x, b: make([]byte, 0, pieceSize)}
	next := int64(0)
	for _, r := range ranges {
		if err := x.skip(r[0] - next); err != nil {
			return err
		}
		if err := p.read(r[1] - r[0]); err != nil {
			return err
		}
		next = r[1]
	}
	if err := p.flush(); err != nil {
		return err
	}
	if err := x.skip(x.opened.Describe().Size - next); err != nil {
		return err
	}
	return x.end()
}

// pieces collects pages for frames. The size of a frame is a multiple of every page size.
type pieces struct {
	x *exchange
	b []byte
}

// read reads the next n bytes of the image.
func (p *pieces) read(n int64) error {
	for n > 0 {
		k := int(min(n, int64(cap(p.b)-len(p.b))))
		filled := len(p.b)
		p.b = p.b[:filled+k]
		if _, err := io.ReadFull(p.x.opened, p.b[filled:]); err != nil {
			return err
		}
		n -= int64(k)
		if len(p.b) < cap(p.b) {
			continue
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush sends what was collected.
func (p *pieces) flush() error {
	if len(p.b) == 0 {
		return nil
	}
	defer func() { p.b = p.b[:0] }()
	return p.x.Write(pull.Data, p.b)
}

// skip passes over bytes that are not wanted.
func (x *exchange) skip(n int64) error {
	if n == 0 {
		return nil
	}
	return x.opened.Skip(n)
}

// end says that all was sent, and how the image is described now.
func (x *exchange) end() error {
	x.ended = true
	return x.WriteJSON(pull.End, described(x.opened, x.id))
}
