package check_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// damage is a way to spoil an image. Stale is the image of an earlier state.
type damage struct {
	name string
	do   func(d *spoiler)
}

// spoiler is an image at work.
type spoiler struct {
	r     *rand.Rand
	b     []byte
	stale []byte
	size  int
	pages []int // that may be changed, by their numbers from 0 on; nil for all
}

func (d *spoiler) count() int { return len(d.b) / d.size }

func (d *spoiler) number() int {
	if d.pages != nil {
		return pick(d.r, d.pages...)
	}
	return d.r.IntN(d.count())
}

func (d *spoiler) page(n int) []byte { return d.b[n*d.size:][:d.size] }

// any returns a random page.
func (d *spoiler) any() []byte { return d.page(d.number()) }

// tree returns a random page of a b-tree of one of the kinds, and where its header is.
func (d *spoiler) tree(kinds ...byte) (p []byte, start int) {
	for range 200 {
		n := d.number()
		p, start = d.page(n), 0
		if n == 0 {
			start = 100
		}
		if bytes.IndexByte(kinds, p[start]) >= 0 && binary.BigEndian.Uint16(p[start+3:]) > 0 {
			return p, start
		}
	}
	return nil, 0
}

func pointers(p []byte, start int) (at, n int) {
	at = start + 8
	if p[start] < 8 {
		at += 4
	}
	n = int(binary.BigEndian.Uint16(p[start+3:]))
	return at, min(n, (len(p)-at)/2)
}

// cell returns where a random cell of a page begins.
func (d *spoiler) cell(p []byte, start int) int {
	at, n := pointers(p, start)
	if n == 0 {
		return 0
	}
	return min(int(binary.BigEndian.Uint16(p[at+2*d.r.IntN(n):])), len(p)-8)
}

var damages = []damage{
	{"bit", func(d *spoiler) { p := d.any(); p[d.r.IntN(len(p))] ^= 1 << d.r.IntN(8) }},
	{"byte", func(d *spoiler) { p := d.any(); p[d.r.IntN(len(p))] = byte(d.r.Uint32()) }},
	{"run", func(d *spoiler) {
		p := d.any()
		from := d.r.IntN(len(p))
		for i := from; i < min(len(p), from+1+d.r.IntN(40)); i++ {
			p[i] = byte(d.r.Uint32())
		}
	}},
	{"page header", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			p[start+d.r.IntN(12)] ^= 1 << d.r.IntN(8)
		}
	}},
	{"cell pointer", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			at, n := pointers(p, start)
			p[at+d.r.IntN(2*n)] ^= 1 << d.r.IntN(8)
		}
	}},
	{"cells exchanged", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			at, n := pointers(p, start)
			i, j := at+2*d.r.IntN(n), at+2*d.r.IntN(n)
			p[i], p[i+1], p[j], p[j+1] = p[j], p[j+1], p[i], p[i+1]
		}
	}},
	{"cell twice", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			at, n := pointers(p, start)
			i, j := at+2*d.r.IntN(n), at+2*d.r.IntN(n)
			p[i], p[i+1] = p[j], p[j+1]
		}
	}},
	{"cell bytes", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			at := d.cell(p, start)
			p[at+d.r.IntN(8)] ^= 1 << d.r.IntN(8)
		}
	}},
	{"record", func(d *spoiler) {
		if p, start := d.tree(10, 13, 2); p != nil {
			at := d.cell(p, start)
			i := min(at+d.r.IntN(24), len(p)-1)
			p[i] += byte(d.r.IntN(5) - 2)
		}
	}},
	{"entry lost", func(d *spoiler) { d.lose(10, 2, 13) }},
	{"free block", func(d *spoiler) {
		if p, start := d.tree(2, 5, 10, 13); p != nil {
			if at := int(binary.BigEndian.Uint16(p[start+1:])); at > 0 && at < len(p)-4 {
				p[at+d.r.IntN(4)] ^= 1 << d.r.IntN(8)
			} else {
				p[start+7] += byte(d.r.IntN(3))
			}
		}
	}},
	{"pages exchanged", func(d *spoiler) {
		p, q := d.any(), d.any()
		old := bytes.Clone(p)
		copy(p, q)
		copy(q, old)
	}},
	{"page twice", func(d *spoiler) { copy(d.any(), d.page(d.r.IntN(d.count()))) }},
	{"stale page", func(d *spoiler) {
		for range 100 {
			n := d.number()
			if (n+1)*d.size <= len(d.stale) && !bytes.Equal(d.page(n), d.stale[n*d.size:][:d.size]) {
				copy(d.page(n), d.stale[n*d.size:])
				return
			}
		}
	}},
	{"torn page", func(d *spoiler) {
		for range 100 {
			n := d.number()
			if half := n*d.size + d.size/2; (n+1)*d.size <= len(d.stale) && !bytes.Equal(d.b[half:][:d.size/2], d.stale[half:][:d.size/2]) {
				copy(d.b[half:][:d.size/2], d.stale[half:])
				return
			}
		}
	}},
	{"zero page", func(d *spoiler) { clear(d.any()) }},
	{"child", func(d *spoiler) {
		if p, start := d.tree(2, 5); p != nil {
			at := start + 8
			if d.r.IntN(3) > 0 {
				at = d.cell(p, start)
			}
			binary.BigEndian.PutUint32(p[at:], uint32(1+d.r.IntN(d.count()+1)))
		}
	}},
	{"children exchanged", func(d *spoiler) {
		if p, start := d.tree(2, 5); p != nil {
			i, j := d.cell(p, start), start+8
			if d.r.IntN(2) == 0 {
				j = d.cell(p, start)
			}
			a, b := binary.BigEndian.Uint32(p[i:]), binary.BigEndian.Uint32(p[j:])
			binary.BigEndian.PutUint32(p[i:], b)
			binary.BigEndian.PutUint32(p[j:], a)
		}
	}},
	{"link", func(d *spoiler) {
		for range 50 {
			p := d.any()
			if n := binary.BigEndian.Uint32(p); n > 0 && int(n) <= d.count() || d.r.IntN(40) == 0 {
				binary.BigEndian.PutUint32(p, uint32(d.r.IntN(d.count()+2)))
				return
			}
		}
	}},
	{"chain cut", func(d *spoiler) {
		for range 50 {
			p := d.any()
			if n := binary.BigEndian.Uint32(p); n > 0 && int(n) <= d.count() {
				binary.BigEndian.PutUint32(p, 0)
				return
			}
		}
	}},
	{"overflow pointer", func(d *spoiler) {
		if p, start := d.tree(10, 13, 2); p != nil {
			at := d.cell(p, start)
			for i := at; i < len(p)-4 && i < at+2000; i++ { // a number of a page behind some payload
				if n := binary.BigEndian.Uint32(p[i:]); n > 1 && int(n) <= d.count() {
					binary.BigEndian.PutUint32(p[i:], uint32(1+d.r.IntN(d.count())))
					return
				}
			}
		}
	}},
	{"freelist header", func(d *spoiler) {
		if d.pages != nil && !has(d.pages, 0) {
			return
		}
		at := pick(d.r, 32, 36)
		n := int(binary.BigEndian.Uint32(d.b[at:])) + d.r.IntN(5) - 2
		binary.BigEndian.PutUint32(d.b[at:], uint32(max(0, n)))
	}},
	{"freelist trunk", func(d *spoiler) {
		n := int(binary.BigEndian.Uint32(d.b[32:]))
		if n == 0 || n > d.count() || d.pages != nil && !has(d.pages, n-1) {
			return
		}
		p := d.page(n - 1)
		at := 4 * d.r.IntN(4)
		binary.BigEndian.PutUint32(p[at:], uint32(int(binary.BigEndian.Uint32(p[at:]))+d.r.IntN(5)-2))
	}},
	{"header field", func(d *spoiler) {
		if d.pages == nil || has(d.pages, 0) {
			at := 16 + d.r.IntN(84)
			d.b[at] ^= 1 << d.r.IntN(8)
		}
	}},
	{"pointer map", func(d *spoiler) {
		if d.count() > 1 && (d.pages == nil || has(d.pages, 1)) {
			p := d.page(1)
			p[d.r.IntN(min(len(p), 5*d.count()))] ^= 1 << d.r.IntN(3)
		}
	}},
	{"schema", func(d *spoiler) {
		if d.pages == nil || has(d.pages, 0) {
			p := d.page(0)
			p[100+d.r.IntN(len(p)-100)] ^= 1 << d.r.IntN(8)
		}
	}},
	{"cut", func(d *spoiler) {
		if d.pages == nil && d.count() > 1 {
			d.b = d.b[:len(d.b)-d.size*(1+d.r.IntN(min(3, d.count()-1)))]
		}
	}},
	{"several", nil},
}

// several is set in a function, because it refers to the list that it is in.
func (d *spoiler) spoil(kind int) {
	if damages[kind].do != nil {
		damages[kind].do(d)
		return
	}
	for range 2 + d.r.IntN(3) {
		damages[d.r.IntN(len(damages)-1)].do(d)
	}
}

func has(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// lose takes a cell out of a page so that the page by itself is sound: its bytes become fragments, or a free block where
// there is no other.
func (d *spoiler) lose(kinds ...byte) {
	p, start := d.tree(kinds...)
	if p == nil {
		return
	}
	at, n := pointers(p, start)
	if n < 2 {
		return
	}
	i := d.r.IntN(n)
	cell := int(binary.BigEndian.Uint16(p[at+2*i:]))
	end := int(len(p) - int(d.b[20]))
	for k := range n { // the next cell behind it
		if o := int(binary.BigEndian.Uint16(p[at+2*k:])); o > cell && o < end {
			end = o
		}
	}
	if free := int(binary.BigEndian.Uint16(p[start+1:])); free > 0 || end-cell < 4 || p[start+7] > 0 {
		return
	}
	copy(p[at+2*i:at+2*(n-1)], p[at+2*(i+1):at+2*n])
	binary.BigEndian.PutUint16(p[start+3:], uint16(n-1))
	if content := int(binary.BigEndian.Uint16(p[start+5:])); content == cell {
		binary.BigEndian.PutUint16(p[start+5:], uint16(end))
		return
	}
	binary.BigEndian.PutUint16(p[start+1:], uint16(cell))
	binary.BigEndian.PutUint16(p[cell:], 0)
	binary.BigEndian.PutUint16(p[cell+2:], uint16(end-cell))
}
