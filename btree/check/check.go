// Package check finds what SQLite's PRAGMA integrity_check finds, without SQLite and without looking anything up: each
// page of an image is read once, by several goroutines, and entries of indexes are compared with rows as multisets of
// hashes.
//
// What takes SQL is left to SQLite, and is named in the [Result]: CHECK constraints, partial indexes and indexes on
// expressions, generated columns that are not stored, collations of the application, and the contents of virtual tables.
// The pages of all these are checked like others. The package takes for granted that SQLite can load the schema; any
// statement on the image tells.
//
// Comments cite https://www.sqlite.org/fileformat2.html.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"firn/btree"
)

// Options say how an image is checked. The zero value is for all processors and 100 findings.
type Options struct {
	Workers  int // goroutines that read; 0 for as many as there are processors
	Findings int // how many findings end the check; 0 for 100
	// Orders says how SQLite sorts the entries of indexes on expressions, by the index's name in lower case: a part for each
	// column. Without it their order is left to SQLite.
	Orders map[string][]IndexOrder
	// ForeignKeys are to be checked without look-ups, as far as that can be done: see Kept of [Result].
	ForeignKeys []ForeignKey
}

// IndexOrder is how entries of an index are sorted by one of its columns.
type IndexOrder struct {
	Collation string
	Desc      bool
}

// Result is the outcome of a check.
type Result struct {
	// Findings are what is wrong with the image, not more than asked for. None means that the image is sound, but for
	// what is left.
	Findings []Finding
	// Left is what only SQLite can check.
	Left []Left
	// Same is what only SQLite can check, and what does not differ from the older image: nothing has to be checked that
	// could be checked there.
	Same []Left
	// Kept are the foreign keys, of those that were asked for, of which every row has its parent. Broken are those of which some row
	// has none. Nothing is known of the others.
	Kept, Broken []ForeignKey
	// Touched are the tables of which a page differs, of theirs or of their indexes, in lower case. It is nil unless a
	// difference was checked.
	Touched map[string]bool
	// Full says why a difference proves nothing, and [Check] has to decide. It is empty if the difference proves that
	// the image is sound, or not.
	Full string
}

// Sound reports whether nothing is wrong, and nothing is left.
func (r *Result) Sound() bool { return len(r.Findings) == 0 && len(r.Left) == 0 && r.Full == "" }

// Kind is what a finding is about.
type Kind string

// The kinds of findings.
const (
	Header     Kind = "header"      // fields of the first page
	Schema     Kind = "schema"      // rows of sqlite_schema that do not fit together
	Page       Kind = "page"        // a page of a b-tree by itself
	Reference  Kind = "reference"   // a page used twice, or not at all
	Freelist   Kind = "freelist"    // the list of free pages
	PointerMap Kind = "pointer map" // an entry of a pointer map
	Depth      Kind = "depth"       // leaves at different depths, or kinds of pages mixed
	Order      Kind = "order"       // keys out of order
	Overflow   Kind = "overflow"    // a chain of overflow pages
	Record     Kind = "record"      // a row or an entry that is no record
	Value      Kind = "value"       // NULL, or a value of a wrong type
	Entries    Kind = "entries"     // an index without a row's entry, or with others
	Unique     Kind = "unique"      // two entries with one key in a UNIQUE index
)

// Finding is something that is wrong. Fields that do not apply are empty.
type Finding struct {
	Kind   Kind
	Table  string
	Index  string
	RowID  int64 // of tables with rowids, where HasRow is true
	HasRow bool
	Page   uint32
	Text   string // what is wrong, without the fields above
}

// String returns a sentence like those of integrity_check.
func (f Finding) String() string {
	text := f.Text
	if f.HasRow {
		text = fmt.Sprintf("row %d: %s", f.RowID, text)
	}
	if f.Page > 0 {
		text = fmt.Sprintf("page %d: %s", f.Page, text)
	}
	switch {
	case f.Index != "":
		return fmt.Sprintf("index %s: %s", f.Index, text)
	case f.Table != "":
		return fmt.Sprintf("table %s: %s", f.Table, text)
	}
	return text
}

// Left is a part of the check that is left to SQLite: its PRAGMA integrity_check(Table) looks at all parts of a table, and
// at the content of a virtual table.
type Left struct {
	Table string
	Index string // empty if the table itself is meant
	Why   string
	// Rows is true if nothing is left but what SQL computes from each row: whether the row is allowed, and the entries that
	// it has.
	Rows bool
}

// Image is the bytes of a database at one moment. They must not change.
type Image struct {
	Reader io.ReaderAt
	Size   int64
}

// Check checks an image of size bytes, which must not change meanwhile. It reads r from several goroutines.
//
// Memory: a bit for each page, five bytes for each page of a database with pointer maps, for each worker some hundred kilobytes and
// the bytes of one row up to its last indexed column, and up to 64 MiB for foreign keys whose values are far from each other.
//
// The errors are those of reading, and that of ctx. Bytes that make no sense are findings.
func Check(ctx context.Context, r io.ReaderAt, size int64, o Options) (*Result, error) {
	c := newChecker(Image{r, size}, newHasher(), o)
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ctx, c.stop = context.WithCancelCause(ctx)
	defer c.stop(nil)
	err := c.run(ctx, o.Workers)
	if errors.Is(context.Cause(ctx), errEnough) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return c.result(), nil
}

func newChecker(image Image, h hasher, o Options) *checker {
	c := &checker{reader: image.Reader, size: image.Size, hasher: h, limit: o.Findings, orders: o.Orders, asked: o.ForeignKeys, left: map[Left]bool{}}
	if c.limit <= 0 {
		c.limit = 100
	}
	return c
}

// errEnough ends a check that has found as much as was asked for.
var errEnough = errors.New("enough was found")

func (c *checker) run(ctx context.Context, workers int) error {
	ok, err := c.open()
	if !ok || err != nil {
		return err
	}
	if err := c.readPointerMap(ctx); err != nil {
		return err
	}
	if err := c.plan(); err != nil {
		return err
	}
	if err := c.freelist(ctx); err != nil {
		return err
	}
	if err := c.trees(ctx, workers); err != nil {
		return err
	}
	c.unused()
	for _, number := range c.compareEntries() {
		if err := c.locate(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// open reads the header. It returns false if nothing can be checked.
func (c *checker) open() (bool, error) {
	f, err := btree.Open(c.reader, c.size)
	if errors.Is(err, btree.ErrFormat) {
		c.find(Finding{Kind: Header, Text: err.Error()})
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.file, c.Header = f, f.Header
	c.references = newReferences(f.PageCount)
	return true, c.header()
}

func (c *checker) result() *Result {
	r := &Result{Findings: c.findings, Kept: c.kept, Broken: c.broken}
	for l := range c.left {
		r.Left = append(r.Left, l)
	}
	slices.SortFunc(r.Left, func(a, b Left) int {
		return slices.Compare([]string{a.Table, a.Index, a.Why}, []string{b.Table, b.Index, b.Why})
	})
	return r
}
