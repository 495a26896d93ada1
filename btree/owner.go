package btree

// overflowSearch bounds the pages that [File.Owners] reads for overflow pages: 256 MiB of pages of 4 KiB.
const overflowSearch = 1 << 16

// Owner says what a page is part of. The zero Owner is of a page that no part of the database leads to.
type Owner struct {
	Type, Name string // of the table or index
	Free       bool   // the page is in the freelist
	PointerMap bool   // the page holds pointers to parents
}

// Owners says what some pages are part of. A damaged part of the database has no pages. Of trees Owners reads interior pages, and
// only if pages are left after that, others for the overflow pages of their rows; in a large database it does not find all of
// these.
func (f *File) Owners(pages []uint32) map[uint32]Owner {
	s := &ownerSearch{file: f, left: make(map[uint32]struct{}), owners: make(map[uint32]Owner)}
	for _, page := range pages {
		s.left[page] = struct{}{}
	}
	for _, page := range pages {
		if f.IsPointerMap(page) {
			s.claim(page, Owner{PointerMap: true})
		}
	}
	s.freelist()
	objects, _ := f.Schema()
	objects = append([]Object{{Type: "table", Name: "sqlite_schema", Root: schemaRoot}}, objects...)
	for _, s.chains = range []bool{false, true} {
		s.seen, s.entered = newSet(f.PageCount), 0
		for _, o := range objects {
			s.tree(o)
		}
	}
	return s.owners
}

// ownerSearch looks for the owners of pages.
type ownerSearch struct {
	file   *File
	left   map[uint32]struct{} // pages without an owner
	owners map[uint32]Owner
	chains bool // overflow pages are looked at
	seen   set  // so that a damaged database is not gone through again and again

	entered int // pages
}

// claim notes the owner of a page, if the owner is looked for.
func (s *ownerSearch) claim(page uint32, o Owner) {
	if _, ok := s.left[page]; ok {
		delete(s.left, page)
		s.owners[page] = o
	}
}

func (s *ownerSearch) freelist() {
	free, err := s.file.free()
	if err != nil {
		return
	}
	for page := range s.left {
		if free.has(page) {
			s.claim(page, Owner{Free: true})
		}
	}
}

// tree goes through the tree of an object. What cannot be read of it has no pages.
func (s *ownerSearch) tree(o Object) {
	if o.Root == 0 || len(s.left) == 0 {
		return
	}
	if height, err := s.file.height(o.Root); err == nil {
		s.page(Owner{Type: o.Type, Name: o.Name}, o.Root, height)
	}
}

// enter reports whether a page is there, and was not seen before. It claims the page.
func (s *ownerSearch) enter(o Owner, page uint32) bool {
	if page == 0 || page > s.file.PageCount || s.seen.has(page) {
		return false
	}
	s.seen.add(page)
	s.claim(page, o)
	s.entered++
	return len(s.left) > 0 && (!s.chains || s.entered <= overflowSearch)
}

// page goes through a page that is some levels above the leaves, and the pages below it.
func (s *ownerSearch) page(o Owner, n uint32, height int) {
	if !s.enter(o, n) || height == 0 && !s.chains {
		return
	}
	p, err := s.file.tree(n)
	if err != nil {
		return
	}
	if s.chains {
		s.overflow(o, p)
	}
	if p.leaf() {
		return
	}
	for i := range p.cells + 1 {
		if child, err := p.child(i); err == nil && height > 0 {
			s.page(o, child, height-1)
		}
	}
}

// overflow goes through the overflow pages of a page's cells.
func (s *ownerSearch) overflow(o Owner, p page) {
	if p.kind == TableInterior {
		return
	}
	for i := range p.cells {
		c, err := p.cell(i)
		if err != nil || c.overflow == 0 {
			continue
		}
		for n, err := range s.file.chain(c) {
			if err != nil || !s.enter(o, n) {
				break
			}
		}
	}
}
