package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"firn/btree"
	"firn/sqlite/caseless"
)

// Difference checks image b by what differs between it and a, which must be sound. The images are the same outside of the
// ranges [from, to) of bytes that differing returns in order; inside they may be the same or not. docs/design.md,
// "Proof of a difference", says why that is enough.
//
// It reads the pages that differ, all interior pages of b, the freelists, and a page beside each border between two pages
// that has moved. Of a it reads the header and the pages that differ. It takes memory for five bits a page, for ten bytes
// a page with pointer maps, and for what differs, and uses one goroutine.
//
// The errors are those of reading, and that of ctx. If a turns out not to be sound, or the difference is of a kind that
// proves nothing, Full says so.
func Difference(ctx context.Context, a, b Image, differing iter.Seq2[int64, int64], o Options) (*Result, error) {
	h := newHasher()
	d := &difference{}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for i, image := range []Image{a, b} {
		d.sides[i] = newChecker(image, h, o)
		d.sides[i].stop = stop
	}
	err := d.run(ctx, differing)
	if errors.Is(err, errEnough) || errors.Is(context.Cause(ctx), errEnough) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return d.result(), nil
}

// The sides of a difference.
const (
	before = 0
	after  = 1
)

// difference is one run of [Difference].
type difference struct {
	sides   [2]*checker
	workers [2]*walker
	changed *references     // pages that both sides have, and that are not the same
	count   uint32          // pages that both sides have
	touched map[string]bool // tables with a page that is not shared, by name in lower case
	full    string
}

func (d *difference) result() *Result {
	r := d.sides[after].result()
	left := r.Left
	r.Left = nil
	for _, l := range left {
		if d.touches(l.Table) {
			r.Left = append(r.Left, l)
		} else {
			r.Same = append(r.Same, l)
		}
	}
	r.Full, r.Touched = d.full, d.touched
	if len(r.Findings) > 0 {
		r.Full = "" // they are certain
	}
	if found := d.sides[before].findings; len(found) > 0 {
		r.Findings, r.Full = nil, "the older image is not sound: "+found[0].String()
	}
	return r
}

// touches reports whether a table differs. The rows of a virtual table are in tables whose names begin with its own, but
// for a full-text index with content in a table that it names.
func (d *difference) touches(table string) bool {
	name := caseless.Fold(table)
	for t := range d.touched {
		if t == name || strings.HasPrefix(t, name+"_") || t != "sqlite_schema" && d.external(name) {
			return true
		}
	}
	return false
}

// external reports whether a virtual table may have content elsewhere.
func (d *difference) external(name string) bool {
	for _, o := range d.sides[after].objects {
		if caseless.Fold(o.Name) == name {
			return o.Root == 0 && strings.Contains(caseless.Fold(o.SQL), "content")
		}
	}
	return false
}

func (d *difference) run(ctx context.Context, differing iter.Seq2[int64, int64]) error {
	for _, c := range d.sides {
		if ok, err := c.open(); !ok || err != nil {
			return err
		}
	}
	if !d.comparable() {
		return nil
	}
	if err := d.narrow(ctx, differing); err != nil || d.full != "" {
		return err
	}
	if ok, err := d.plan(); !ok || err != nil {
		return err
	}
	for side, c := range d.sides {
		if err := c.readPointerMap(ctx); err != nil {
			return err
		}
		c.pointed = newReferences(c.PageCount)
		if err := c.freelist(ctx); err != nil {
			return err
		}
		d.workers[side] = &walker{worker: c.worker(ctx, 1)}
	}
	return d.prove(ctx)
}

// comparable reports whether equal pages mean the same in both images.
func (d *difference) comparable() bool {
	a, b := d.sides[before], d.sides[after]
	switch {
	case a.PageSize != b.PageSize || a.Usable() != b.Usable() || a.Encoding != b.Encoding || a.format != b.format:
		d.full = "the format has changed"
	case (a.maxRoot == 0) != (b.maxRoot == 0):
		d.full = "pointer maps have come or gone"
	}
	d.count = min(a.PageCount, b.PageCount)
	return d.full == ""
}

// plan reads both schemas, and reports whether they are the same and make sense.
func (d *difference) plan() (ok bool, err error) {
	a, b := d.sides[before], d.sides[after]
	a.reader = twin{a.reader, b.reader, d}
	if a.file, err = btree.Open(a.reader, a.size); err != nil {
		return false, err
	}
	for _, c := range d.sides {
		if err := c.plan(); err != nil {
			return false, err
		}
	}
	if !slices.Equal(a.objects, b.objects) {
		d.full = "the schema has changed"
	}
	return d.full == "" && len(a.findings)+len(b.findings) == 0, nil
}

// twin reads pages of the older image from the later one if they are the same, so that only what differs is read from the
// older one.
type twin struct {
	older, later io.ReaderAt
	difference   *difference
}

// ReadAt reads bytes of one page.
func (t twin) ReadAt(b []byte, offset int64) (int, error) {
	if t.difference.differs(uint32(offset/int64(t.difference.sides[after].PageSize)) + 1) {
		return t.older.ReadAt(b, offset)
	}
	return t.later.ReadAt(b, offset)
}

// prove compares the trees, and draws the conclusions.
func (d *difference) prove(ctx context.Context) error {
	d.touched = map[string]bool{}
	for i := range d.sides[after].forest {
		if err := d.tree(ctx, i); err != nil {
			return err
		}
	}
	if d.overwritten() {
		return nil
	}
	d.uses()
	d.pointers()
	d.entries()
	return nil
}

// fewPages is so few pages that a difference of them is worth looking at in any image.
const fewPages = 64

// narrow finds the pages that differ.
func (d *difference) narrow(ctx context.Context, differing iter.Seq2[int64, int64]) error {
	size := int64(d.sides[after].PageSize)
	d.changed = newReferences(d.count)
	var pages [2][]byte
	for side := range pages {
		pages[side] = make([]byte, size)
	}
	total, last := int64(0), int64(0)
	for from, to := range differing {
		for page := max(from/size+1, last+1); page <= int64(d.count) && (page-1)*size < to; page++ {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			last = page
			for side, c := range d.sides {
				if err := c.read(uint32(page), pages[side]); err != nil {
					return err
				}
			}
			if !bytes.Equal(pages[before], pages[after]) {
				d.changed.add(uint32(page))
				total++
			}
		}
	}
	total += max(0, int64(d.sides[after].PageCount)-int64(d.count))
	if total > int64(d.sides[after].PageCount)/3+fewPages {
		d.full = fmt.Sprintf("%d of %d pages differ", total, d.sides[after].PageCount)
	}
	return nil
}

// differs reports whether a page is not the same on both sides.
func (d *difference) differs(page uint32) bool {
	return page == 0 || page > d.count || d.changed.has(page)
}

// overwritten looks for overflow pages that differ though the pages that their rows are on do not: SQLite overwrites
// pages in their places if a row keeps its length. No link leads back from them, and the chains that they are in may have
// changed their course, so that nothing is known.
func (d *difference) overwritten() bool {
	a, b := d.sides[before], d.sides[after]
	for page := uint32(1); page <= d.count && page > 0; page++ {
		if d.changed.has(page) && !a.references.has(page) && !b.IsPointerMap(page) && page != b.lockPage() {
			d.full = fmt.Sprintf("page %d, on which a row continues, was overwritten in its place", page)
			return true
		}
	}
	return false
}

// uses checks that each page has one use. The pages that the parts of a have in use that are not shared are those that
// the parts of b must have in use, but for pages that have come and gone.
func (d *difference) uses() {
	a, b := d.sides[before], d.sides[after]
	for page := uint32(1); page <= max(a.PageCount, b.PageCount) && page > 0; page++ {
		if b.IsPointerMap(page) || page == b.lockPage() {
			if page <= b.PageCount && b.references.has(page) {
				b.find(Finding{Kind: Reference, Page: page, Text: "2nd reference to a page that belongs to SQLite"})
			}
			continue
		}
		was, is := page > a.PageCount || a.references.has(page), page <= b.PageCount && b.references.has(page)
		switch {
		case page > b.PageCount && !was:
			b.find(Finding{Kind: Reference, Page: page, Text: "invalid page number"})
		case page > b.PageCount:
		case is && !was:
			b.find(Finding{Kind: Reference, Page: page, Text: "2nd reference"})
		case was && !is:
			b.find(Finding{Kind: Reference, Page: page, Text: "never used"})
		}
	}
}

// pointers checks the entries of pointer maps: each is the same on both sides, or has been checked.
func (d *difference) pointers() {
	a, b := d.sides[before], d.sides[after]
	if b.pointers == nil {
		return
	}
	for page := uint32(2); page <= d.count && page > 1; page++ {
		if b.IsPointerMap(page) || page == b.lockPage() || b.pointed.has(page) {
			continue
		}
		at := int64(page) * pointerEntry
		if !bytes.Equal(a.pointers[at:at+pointerEntry], b.pointers[at:at+pointerEntry]) {
			b.find(Finding{Kind: PointerMap, Page: page, Text: "bad pointer map entry: it has changed, and its page has not"})
		}
	}
}

// entries compares what entries of indexes have come and gone with what the rows ask for.
func (d *difference) entries() {
	a, b := d.workers[before].tallies, d.workers[after].tallies
	c := d.sides[after]
	for i := range c.indexes {
		c.entries[i] = tally{entries: b[i].entries, rows: b[i].rows}
		c.entries[i].entries.add(a[i].rows)
		c.entries[i].rows.add(a[i].entries)
	}
	for l := range d.sides[before].left {
		c.left[l] = true
	}
	c.compareEntries()
}
