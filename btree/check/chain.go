package check

import (
	"encoding/binary"
)

// load returns the payload of a cell up to the byte that need names, at least; need is asked once the header of the record is
// there. It follows the chain of overflow pages to its end (section 1.7). With first, it is the reader of the chain that
// counts: it notes its pages as used. The bytes are valid until the next call. It returns nil if the chain is wrong.
func (w *worker) load(t *tree, p *page, cl *cell, need func(payload []byte) int64, first bool) ([]byte, error) {
	if cl.overflow == 0 && int64(len(cl.local)) == cl.size {
		return cl.local, nil
	}
	w.payload = append(w.payload[:0], cl.local...)
	h := headerSize(w.payload, cl.size)
	want, known := h, false
	each := int64(w.Usable() - pointerLen)
	left := (cl.size - int64(len(cl.local)) + each - 1) / each
	if left > int64(w.PageCount) && !first {
		return nil, nil // the reader that counts says so
	}
	from, next := p.number, cl.overflow
	for ; next != 0 && left > 0; left-- {
		if !w.enter(t, from, next, first, p.number) {
			return nil, nil
		}
		if have := int64(len(w.payload)); !known && have >= h {
			want, known = min(need(w.payload), cl.size), true
		}
		from = next
		link, err := w.link(next, cl.size, want)
		if err != nil {
			return nil, err
		}
		next = link
	}
	if left > 0 || next != 0 {
		if first {
			w.found(t, Overflow, p.number, "overflow chain ends %d pages too early, or goes on at page %d", left, next)
		}
		return nil, nil
	}
	return w.payload, nil
}

// enter notes an overflow page as used.
func (w *worker) enter(t *tree, from, page uint32, first bool, owner uint32) bool {
	if !first {
		return page <= w.PageCount
	}
	if !w.refer(t, from, page) {
		return false
	}
	if from == owner {
		w.point(t, page, pointerOverflow1, owner)
	} else {
		w.point(t, page, pointerOverflow2, from)
	}
	return true
}

// link reads an overflow page, as much as is wanted, and returns the number of the next one.
func (w *worker) link(page uint32, size, want int64) (uint32, error) {
	b := w.overflow[:w.Usable()]
	have := int64(len(w.payload))
	if have >= want {
		b = b[:pointerLen]
	}
	if err := w.read(page, b); err != nil {
		return 0, err
	}
	if have < want {
		rest := min(size-have, int64(w.Usable()-pointerLen))
		w.payload = append(w.payload, b[pointerLen:][:rest]...)
	}
	return binary.BigEndian.Uint32(b), nil
}
