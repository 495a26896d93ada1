package btree

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"strings"
)

// If an update does not change the length of a row, SQLite may write its overflow pages in place,
// and not touch the page that holds the row (btreeOverwriteCell in its source). So pages that are
// the same in both databases can hold different rows, if a page of their overflow chains differs.
// The functions below find such pages and add them to the changed pages, so that their rows are
// compared.
//
// Take the first page of such a chain that differs. The row and all chain pages before it are the
// same, so it is an overflow page, in use, in both databases. A page that cannot be that is no
// suspect. A page is no suspect either if it is known to belong to a row, or to an entry of an
// index, on a changed page: in each database a page is in one chain only. In a database that grows,
// shrinks or moves rows, no suspect is left then. The suspects that are left were written in place.
// No link leads from them to their rows. So the rows are searched for, first near the suspects,
// since they were probably written together, and then everywhere.

// suspects are pages that may be such first pages.
type suspects map[uint32]struct{}

// everywhere is a distance from a suspect.
const everywhere = math.MaxUint32

// findOverwritten adds pages to the changed pages if their rows continue on pages that were
// overwritten.
func (p *Pair) findOverwritten() error {
	var free [2]set
	for side, f := range p.files {
		var err error
		if free[side], err = f.free(); err != nil {
			return err
		}
	}
	s, err := p.suspects(free)
	if err != nil {
		return err
	}
	p.suspicious = len(s) > 0
	// A chain is rarely overwritten from its middle on. So the first round reads only chains that
	// begin with a changed page, and the second round, if suspects are left, reads all.
	for _, all := range []bool{false, true} {
		for side := range p.files {
			if err := p.clear(s, side, free[side], all); err != nil {
				return err
			}
		}
	}
	if err := p.search(s); err != errFound {
		return err
	}
	return nil
}

// suspects returns the pages that may be overflow pages on both sides, and differ.
func (p *Pair) suspects(free [2]set) (suspects, error) {
	s := suspects{}
	err := p.changed.all(func(page uint32) error {
		for side, f := range p.files {
			if free[side].has(page) || f.IsPointerMap(page) {
				return nil
			}
			if may, err := f.mayBeOverflow(page); !may || err != nil {
				return err
			}
		}
		s[page] = struct{}{}
		return nil
	})
	return s, err
}

// mayBeOverflow reports whether a page may hold a part of a row: then it begins with the number of
// another page. A page of a tree does not in databases of less than 2^25 pages, since it begins
// with its kind.
func (f *File) mayBeOverflow(page uint32) (bool, error) {
	b, err := f.page(page)
	if err != nil {
		return false, err
	}
	return page != 1 && binary.BigEndian.Uint32(b) <= f.PageCount, nil
}

// clear removes the suspects that are in chains of rows or entries on a changed page of one side.
// If all is false, it looks only at chains that begin with a changed page.
func (p *Pair) clear(s suspects, side int, free set, all bool) error {
	f := p.files[side]
	left := f.budget()
	clear := func(page uint32) error {
		if len(s) == 0 {
			return errFound
		}
		if free.has(page) || f.IsPointerMap(page) {
			return nil
		}
		b, err := f.page(page)
		if err != nil || binary.BigEndian.Uint32(b) <= f.PageCount || page > 1 && !isTree(b[0]) {
			return err // a page that may be an overflow page is not taken for a page of a tree
		}
		_, err = p.clearPage(s, side, page, all, &left)
		return err
	}
	err := p.changed.all(clear)
	for page := p.count + 1; err == nil && page <= f.PageCount && page > p.count; page++ {
		err = clear(page)
	}
	if err == errFound {
		return nil
	}
	return err
}

// errFound ends a search.
var errFound = errors.New("no suspects are left")

// clearPage removes the suspects in chains of one page, and reports whether it found any.
func (p *Pair) clearPage(s suspects, side int, page uint32, all bool, left *budget) (found bool, err error) {
	f := p.files[side]
	for c, err := range f.overflowing(page) {
		if err != nil {
			return false, err
		}
		if err := left.spend(c); err != nil {
			return false, err
		}
		if !all && !p.differs(c.overflow) {
			continue
		}
		for n, err := range f.chain(c) {
			if err != nil {
				return false, err
			}
			if _, ok := s[n]; ok {
				delete(s, n)
				found = true
			}
		}
	}
	return found, nil
}

// overflowing returns the cells of a page that have overflow pages.
func (f *File) overflowing(n uint32) iter.Seq2[cell, error] {
	return func(yield func(cell, error) bool) {
		p, err := f.tree(n)
		if err != nil {
			yield(cell{}, err)
			return
		}
		if p.kind == TableInterior {
			return
		}
		for i := range p.cells {
			c, err := p.cell(i)
			if (err != nil || c.overflow != 0) && !yield(c, err) {
				return
			}
		}
	}
}

// search looks for rows on pages that both sides share, first near the suspects and then farther
// away.
func (p *Pair) search(s suspects) error {
	if len(s) == 0 {
		return nil
	}
	tables, err := p.tables()
	if err != nil {
		return err
	}
	seen := newSet(p.count)
	left := [2]budget{p.files[before].budget(), p.files[after].budget()}
	for _, distance := range []uint32{16, 512, everywhere} {
		around := p.around(s, distance)
		visit := func(page uint32) error {
			if len(s) == 0 {
				return errFound
			}
			if seen.has(page) || !around.has(page) {
				return nil
			}
			seen.add(page)
			return p.inspect(s, page, &left)
		}
		for _, roots := range tables {
			if _, err := p.unshared(roots, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// around returns the pages within a distance of a suspect.
func (p *Pair) around(s suspects, distance uint32) set {
	pages := newSet(p.count)
	for page := range s {
		first, last := page-min(distance, page), page+min(distance, p.count-page)
		for n := first; n <= last; n++ {
			pages.add(n)
		}
		if distance == everywhere {
			break
		}
	}
	return pages
}

// inspect adds a shared page to the changed pages if a row on it continues in a suspect.
func (p *Pair) inspect(s suspects, page uint32, left *[2]budget) error {
	found, err := p.clearPage(s, after, page, true, &left[after])
	if err != nil || !found {
		return err
	}
	p.changed.add(page)
	_, err = p.clearPage(s, before, page, true, &left[before]) // the chains may have parted
	return err
}

// tables returns the roots of the tables that both sides have.
func (p *Pair) tables() ([][2]uint32, error) {
	var schemas [2][]Object
	for side, f := range p.files {
		var err error
		if schemas[side], err = f.Schema(); err != nil {
			return nil, err
		}
	}
	roots := make(map[string]uint32)
	for _, o := range schemas[before] {
		if o.isTable() {
			roots[strings.ToLower(o.Name)] = o.Root
		}
	}
	tables := [][2]uint32{{schemaRoot, schemaRoot}}
	for _, o := range schemas[after] {
		if root := roots[strings.ToLower(o.Name)]; o.isTable() && root != 0 {
			tables = append(tables, [2]uint32{root, o.Root})
		}
	}
	return tables, nil
}
