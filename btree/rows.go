package btree

import (
	"bytes"
	"fmt"
	"iter"
)

// Change is a row that differs. An added row has no Before, a removed row has no After.
type Change struct {
	Before, After *Row
}

// Row is a row of one of the databases.
type Row struct {
	RowID int64 // 0 in tables WITHOUT ROWID
	file  *File
	at    spot
}

// Values reads the row as it is stored: each value nil, int64, float64, string or []byte, which
// must not be changed. A row that is older than the last columns of its table has fewer values. The
// column that is the rowid is nil. Text in UTF-16 that no UTF-8 stands for is a [Malformed]. In a table WITHOUT ROWID the columns of the primary key come
// first.
func (r *Row) Values() ([]any, error) {
	payload, err := r.payload()
	if err != nil {
		return nil, err
	}
	values, err := Decode(payload, r.file.Encoding)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", r.at.page, err)
	}
	return values, nil
}

// Stored reads the record of the row as it is stored, for [Decode].
func (r *Row) Stored() ([]byte, error) { return r.payload() }

func (r *Row) payload() ([]byte, error) {
	c, err := r.cell()
	if err != nil {
		return nil, err
	}
	return r.file.payload(c)
}

func (r *Row) cell() (cell, error) {
	p, err := r.file.tree(r.at.page)
	if err != nil {
		return cell{}, err
	}
	return p.cell(r.at.cell)
}

// RowOptions say which rows are compared, and which are yielded. The zero value is for keys of
// plain bytes, and for the rows that differ.
type RowOptions struct {
	// Collations are those of the key's columns, in their order. A column without one is Binary.
	Collations []Collation
	// Equal yields rows that both tables have with equal bytes, too. Then the tables are read whole.
	Equal bool
}

// Rows returns the rows that differ between two tables, or between two states of one table. A root
// is the page of a table's tree, 0 for no table. With key 0, two rows with the same rowid are the
// same row. In tables WITHOUT ROWID, two rows are the same row if the first key columns of their
// records are equal to SQLite; both tables must be sorted alike by these, but for the effects of
// two encodings. A row has changed if its stored bytes have.
//
// Rows come in the order of the table. In a table WITHOUT ROWID, a run of removed rows comes before
// the rows in their place.
func (p *Pair) Rows(a, b uint32, key int, o RowOptions) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		roots := [2]uint32{a, b}
		var selections [2]*selection // nil for all pages
		if !o.Equal {
			var err error
			if selections, err = p.unshared(roots, nil); err != nil {
				yield(Change{}, err)
				return
			}
		}
		m := merger{pair: p, key: key, options: o, yield: func(c Change) bool { return yield(c, nil) }}
		for side, f := range p.files {
			if roots[side] == 0 {
				continue
			}
			m.left[side] = f.budget()
			var stop func()
			m.spots[side], stop = iter.Pull2(f.rows(roots[side], selections[side]))
			defer stop()
		}
		merge := m.byRowID
		if key > 0 {
			merge = m.byKey
		}
		if err := merge(); err != nil {
			yield(Change{}, err)
		}
	}
}

// Unpaired returns all rows, or entries of an index, on pages that two trees do not share: as removed rows and added rows,
// even if both trees have them.
func (p *Pair) Unpaired(a, b uint32) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		selections, err := p.unshared([2]uint32{a, b}, nil)
		if err != nil {
			yield(Change{}, err)
			return
		}
		for side, root := range []uint32{a, b} {
			if root != 0 && !p.unpaired(side, root, selections[side], yield) {
				return
			}
		}
	}
}

// unpaired yields the rows of one side, and reports whether to go on.
func (p *Pair) unpaired(side int, root uint32, s *selection, yield func(Change, error) bool) bool {
	f := p.files[side]
	left := f.budget()
	for at, err := range f.rows(root, s) {
		row := &Row{file: f, at: at}
		var c cell
		if err == nil {
			c, err = row.cell()
		}
		if err == nil {
			row.RowID, err = c.rowID, left.spend(c)
		}
		change := Change{Before: row}
		if side == after {
			change = Change{After: row}
		}
		if !yield(change, err) || err != nil {
			return false
		}
	}
	return true
}

// Same reports whether two tables share all their pages. Then [Pair.Rows] would return nothing, for
// any key.
func (p *Pair) Same(a, b uint32) (bool, error) {
	selections, err := p.unshared([2]uint32{a, b}, nil)
	return err == nil && len(selections[before].wanted)+len(selections[after].wanted) == 0, err
}

// equal reports whether two rows are stored alike.
func (p *Pair) equal(a, b *Row) (bool, error) {
	x, err := a.cell()
	if err != nil {
		return false, err
	}
	y, err := b.cell()
	if err != nil || x.size != y.size {
		return false, err
	}
	if p.changed != nil { // otherwise equal rows may be split differently
		if !bytes.Equal(x.local, y.local) {
			return false, nil
		}
		if int64(len(x.local)) == x.size || x.overflow == y.overflow && !p.suspicious {
			return true, nil
		}
	}
	before, err := a.file.payload(x)
	if err != nil {
		return false, err
	}
	after, err := b.file.payload(y)
	return bytes.Equal(before, after), err
}
