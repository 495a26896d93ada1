package check

import (
	"firn/btree"
	"firn/sqlite/caseless"
)

// table is what a CREATE TABLE says about stored rows.
type table struct {
	name         string
	root         uint32
	columns      []column
	alias        int // column that is the rowid, -1 for none
	aliasDesc    bool
	withoutRowid bool
	strict       bool
	checked      bool // has CHECK constraints
	stored       int  // columns of a record
	known        bool // the definition has been understood; otherwise only the tree is known
	indexes      []*index
	primary      *index // the table itself as an index, WITHOUT ROWID
	automatic    []*index
}

// column is a column of a table.
type column struct {
	name      string
	typeName  string
	affinity  affinity
	types     typeMask // that a STRICT table allows
	notNull   bool
	primary   bool
	collation string
	generated bool
	virtual   bool // computed when it is read, and not stored
	place     int  // in the record, -1 if the column is not stored
	initial   initial
}

// index is what a CREATE INDEX, or a constraint, says about its entries.
type index struct {
	name       string
	root       uint32
	table      *table
	columns    []indexColumn // with those that SQLite adds at the end to tell entries apart, but the rowid
	keys       int           // columns that were named
	unique     bool
	partial    bool
	expression bool // entries cannot be computed without SQL
	known      bool
	orderly    bool // the order of the entries can be checked
	number     int  // among all indexes
}

// indexColumn is a column of an index. Column is -1 for an expression.
type indexColumn struct {
	column    int
	collation string
	desc      bool
	order     btree.Collation // that the name of the collation stands for
}

// fields returns how many values an entry has.
func (x *index) fields() int {
	if x.table.withoutRowid {
		return len(x.columns)
	}
	return len(x.columns) + 1
}

// computable reports whether the entries follow from the rows without SQL.
func (x *index) computable() bool { return x.known && !x.partial && !x.expression }

// sort finds out how the entries are ordered.
func (x *index) sort() {
	x.orderly = x.known
	for i, c := range x.columns {
		var ok bool
		x.columns[i].order, ok = btree.ParseCollation(c.collation)
		x.orderly = x.orderly && ok
	}
}

// column returns the number of a column.
func (t *table) column(name string) (int, bool) {
	for i, c := range t.columns {
		if caseless.Same(c.name, name) {
			return i, true
		}
	}
	return -1, false
}

// constrain adds the index of a UNIQUE or PRIMARY KEY constraint. SQLite makes no second index of the same columns.
func (t *table) constrain(columns []indexColumn, primary bool) {
	x := t.constraint(columns)
	if x == nil {
		x = &index{table: t, columns: columns, keys: len(columns), unique: true, known: true}
		t.automatic = append(t.automatic, x)
	}
	if primary {
		t.primary = x
	}
}

// constraint returns the index of a constraint of the same columns, nil for none.
func (t *table) constraint(columns []indexColumn) *index {
	for _, x := range t.automatic {
		if alike(x.columns, columns) {
			return x
		}
	}
	return nil
}

func alike(a, b []indexColumn) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].column != b[i].column || !caseless.Same(a[i].collation, b[i].collation) {
			return false
		}
	}
	return true
}

// finish derives what follows from all parts of the definition together.
func (t *table) finish() bool {
	for i := range t.columns {
		c := &t.columns[i]
		if c.primary && i != t.alias && (t.strict || t.withoutRowid) {
			c.notNull = true
		}
		if t.strict && !c.restrict() {
			return false
		}
	}
	if t.withoutRowid && t.alias >= 0 {
		t.constrain([]indexColumn{{column: t.alias, collation: t.columns[t.alias].collation, desc: t.aliasDesc}}, true)
	}
	t.settle()
	if t.withoutRowid && t.primary == nil {
		return false
	}
	if t.withoutRowid {
		t.arrange()
	} else {
		t.place()
	}
	return true
}

// settle gives indexes of constraints the collations of their columns, which may stand after the constraint.
func (t *table) settle() {
	for _, x := range t.automatic {
		for i, c := range x.columns {
			if c.collation == "" {
				x.columns[i].collation = t.columns[c.column].collation
			}
		}
	}
}

// place numbers the stored columns of a table with rowids.
func (t *table) place() {
	for i := range t.columns {
		c := &t.columns[i]
		if c.place = -1; !c.virtual {
			c.place = t.stored
			t.stored++
		}
	}
}

// arrange numbers the stored columns of a table WITHOUT ROWID: first those of the primary key, each once, then the
// others.
func (t *table) arrange() {
	pk := t.primary
	if t.alias >= 0 { // a rowid does not exist here
		t.columns[t.alias].notNull = true
		t.alias = -1
	}
	var keys []indexColumn
	for _, c := range pk.columns {
		if !within(keys, c) {
			keys = append(keys, c)
		}
	}
	pk.columns, pk.keys = keys, len(keys)
	for i := range t.columns {
		t.columns[i].place = -1
	}
	for i, c := range keys {
		if t.columns[c.column].place < 0 {
			t.columns[c.column].place = i
		}
	}
	t.stored = len(keys)
	for i := range t.columns {
		if c := &t.columns[i]; c.place < 0 && !c.virtual {
			c.place = t.stored
			t.stored++
		}
	}
}

// within reports whether a column is in a list, with its collation.
func within(list []indexColumn, c indexColumn) bool {
	for _, d := range list {
		if d.column == c.column && caseless.Same(d.collation, c.collation) {
			return true
		}
	}
	return false
}

// compute finds out whether entries can be computed without SQL.
func (x *index) compute() {
	for _, c := range x.columns {
		x.expression = x.expression || c.column < 0 || x.table.columns[c.column].virtual
	}
}

// extend adds the columns by which entries of an index lead to a row WITHOUT ROWID. In an index of a constraint SQLite
// sorts the added columns upwards, even where the primary key is sorted downwards.
func (x *index) extend(constraint bool) {
	if !x.table.withoutRowid {
		return
	}
	named := x.columns
	for _, c := range x.table.primary.columns {
		if !within(named, c) {
			x.columns = append(x.columns[:len(x.columns):len(x.columns)], indexColumn{column: c.column, collation: c.collation, desc: c.desc && !constraint})
		}
	}
}
