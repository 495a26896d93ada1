package check

import (
	"firn/btree"
)

// rules are what the rows of a table have to comply with.
type rules struct {
	table    *table
	columns  []rule
	initials []initial // by the place in a record
	indexes  []rowIndex
	needed   []bool // whether a stored value is needed, by its place
	parse    int    // values of a record that SQLite looks at
	width    int    // bytes of a unit of text
	low      int    // which of these is not zero in a digit
	refers   []referring
	rowIDs   int // set in which the rowids are collected, 0 for none
}

// rule is what one column has to comply with.
type rule struct {
	column  *column
	allowed typeMask
	numeric bool // a text must not look like a number
}

// rowIndex is an index whose entries follow from the rows.
type rowIndex struct {
	index  *index
	places []int // of the columns, -1 for the rowid
}

func newRules(t *table, e btree.Encoding) *rules {
	r := &rules{table: t, parse: t.stored, width: 1, needed: make([]bool, t.stored), initials: make([]initial, t.stored)}
	if e != btree.UTF8 {
		r.width = 2
	}
	if e == btree.UTF16BE {
		r.low = 1
	}
	for i := range t.columns {
		c := &t.columns[i]
		if c.place >= 0 {
			r.initials[c.place] = c.initial.encode(e)
			if c.generated {
				r.initials[c.place] = initial{sql: true}
			}
		}
		if i == t.alias && c.place == t.stored-1 {
			r.parse-- // the last value is the rowid's, which is not stored
		}
		if rule := r.check(c); i != t.alias && c.place >= 0 && (c.notNull || rule.allowed != typeAny) {
			r.columns = append(r.columns, rule)
		}
	}
	for _, x := range t.indexes {
		if x.computable() {
			r.indexes = append(r.indexes, r.places(x))
		}
	}
	if t.withoutRowid {
		for i := range t.primary.columns {
			r.needed[i] = true
		}
	}
	return r
}

// check returns the rule of a column.
func (r *rules) check(c *column) rule {
	switch {
	case r.table.strict && c.types != 0:
		return rule{c, c.types, false}
	case r.table.strict:
		return rule{c, typeAny, false}
	case c.affinity == affinityText:
		return rule{c, typeNull | typeText | typeBlob, false}
	case c.affinity >= affinityNumeric:
		return rule{c, typeAny &^ typeText, true}
	}
	return rule{c, typeAny, false}
}

// places finds the columns of an index in the record.
func (r *rules) places(x *index) rowIndex {
	row := rowIndex{index: x}
	for _, c := range x.columns {
		place := -1
		if c.column != r.table.alias {
			place = r.table.columns[c.column].place
			r.needed[place] = true
		}
		row.places = append(row.places, place)
	}
	return row
}
