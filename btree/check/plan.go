package check

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"firn/btree"
	"firn/sqlite/caseless"
)

// schemaSQL is the definition of the table that lists all others.
const schemaSQL = "CREATE TABLE sqlite_schema(type text,name text,tbl_name text,rootpage int,sql text)"

// plan reads the schema, and finds out what there is to check.
func (c *checker) plan() error {
	schema, _ := parseTable("sqlite_schema", 1, schemaSQL)
	c.plant(schema)
	var err error
	c.objects, err = c.file.Schema()
	if errors.Is(err, btree.ErrFormat) {
		c.find(Finding{Kind: Schema, Table: schema.name, Text: err.Error()})
		err = nil
	}
	if err != nil {
		return err
	}
	tables := map[string]*table{}
	var inOrder []*table
	for _, o := range c.objects {
		if t := c.table(o); t != nil {
			if tables[caseless.Fold(t.name)] != nil {
				c.find(Finding{Kind: Schema, Table: t.name, Text: "two tables of one name"})
				continue
			}
			tables[caseless.Fold(t.name)] = t
			inOrder = append(inOrder, t)
		}
	}
	for _, o := range c.objects {
		if o.Type == "index" {
			c.index(o, tables[caseless.Fold(o.Table)])
		}
	}
	c.roots()
	for _, t := range inOrder {
		c.plant(t)
	}
	c.refersTo(c.asked, tables)
	return nil
}

// table returns the table of an entry of the schema, nil for others.
func (c *checker) table(o btree.Object) *table {
	virtual := defines(o.SQL, "CREATE", "VIRTUAL", "TABLE")
	switch {
	case o.Type == "index" && (o.SQL == "" || defines(o.SQL, "CREATE", "INDEX") || defines(o.SQL, "CREATE", "UNIQUE", "INDEX")),
		o.Type == "view" && defines(o.SQL, "CREATE", "VIEW"),
		o.Type == "trigger" && defines(o.SQL, "CREATE", "TRIGGER"):
		return nil
	case o.Type != "table" || !virtual && !defines(o.SQL, "CREATE", "TABLE"):
		c.find(Finding{Kind: Schema, Table: o.Table, Text: fmt.Sprintf("%s %s has no definition that fits", o.Type, o.Name)})
		return nil
	case virtual:
		c.leave(Left{Table: o.Name, Why: "it is a virtual table"})
		return nil
	case !caseless.Same(o.Name, o.Table) || o.Root == 0:
		c.find(Finding{Kind: Schema, Table: o.Name, Text: "its entry in the schema makes no sense"})
		return nil
	}
	t, ok := parseTable(o.Name, o.Root, o.SQL)
	if !ok {
		c.leave(Left{Table: o.Name, Why: "its definition is not understood"})
	}
	return t
}

// defines reports whether SQL begins with these words.
func defines(sql string, words ...string) bool {
	list, _ := tokens(sql, len(words))
	if len(list) < len(words) {
		return false
	}
	for i, w := range words {
		if !list[i].is(w) {
			return false
		}
	}
	return true
}

// index adds the index of an entry of the schema to its table.
func (c *checker) index(o btree.Object, t *table) {
	if t == nil || o.Root == 0 {
		c.find(Finding{Kind: Schema, Table: o.Table, Index: o.Name, Text: "its entry in the schema makes no sense"})
		return
	}
	x, ok := &index{name: o.Name, root: o.Root, table: t}, false
	if o.SQL != "" {
		x, ok = parseIndex(t, o.Name, o.Root, o.SQL)
		x.sortExpressions(c.orders[caseless.Fold(o.Name)])
	} else if t.known {
		if x = t.automaticIndex(o.Name); x == nil {
			c.find(Finding{Kind: Schema, Table: t.name, Index: o.Name, Text: "its table has no such constraint"})
			return
		}
		x.name, x.root, ok = o.Name, o.Root, true
		x.compute()
		x.extend(true)
	}
	if c.format < 4 {
		for i := range x.columns {
			x.columns[i].desc = false // as SQLite did before it knew DESC
		}
	}
	if !ok {
		c.leave(Left{Table: t.name, Index: o.Name, Why: "its definition is not understood"})
	}
	t.indexes = append(t.indexes, x)
}

// sortExpressions sets the order of the columns that are expressions.
func (x *index) sortExpressions(orders []IndexOrder) {
	for i, c := range x.columns {
		if c.column < 0 && i < len(orders) {
			x.columns[i].collation, x.columns[i].desc = orders[i].Collation, orders[i].Desc
		}
	}
}

// automaticIndex returns the index of a constraint by the name that SQLite gives it.
func (t *table) automaticIndex(name string) *index {
	prefix := "sqlite_autoindex_" + t.name + "_"
	if len(name) <= len(prefix) || !caseless.Same(name[:len(prefix)], prefix) {
		return nil
	}
	n, err := strconv.Atoi(name[len(prefix):])
	if err != nil || n < 1 || n > len(t.automatic) {
		return nil
	}
	x := t.automatic[n-1]
	if x.root != 0 || t.withoutRowid && x == t.primary || strings.HasPrefix(name[len(prefix):], "+") {
		return nil
	}
	return x
}

// plant adds the trees of a table to those that are checked.
func (c *checker) plant(t *table) {
	own := &tree{root: t.root, table: t, isTable: !t.withoutRowid, rows: &rules{table: t}}
	if t.withoutRowid && t.known {
		own.index = t.primary
		own.index.table, own.index.root, own.index.number = t, t.root, c.number(own.index)
		if c.format < 4 {
			for i := range own.index.columns {
				own.index.columns[i].desc = false
			}
		}
	}
	c.forest = append(c.forest, own)
	for _, x := range t.indexes {
		x.number = c.number(x)
		c.forest = append(c.forest, &tree{root: x.root, table: t, index: x})
		c.leaveIndex(x)
	}
	if t.known {
		c.constraints(t)
		own.rows = newRules(t, c.Encoding)
		c.leaveTable(t, own.rows)
	}
}

// number numbers an index.
func (c *checker) number(x *index) int {
	x.sort()
	c.indexes = append(c.indexes, x)
	c.entries = append(c.entries, tally{})
	return len(c.indexes) - 1
}

// constraints looks for constraints without an index.
func (c *checker) constraints(t *table) {
	for _, x := range t.automatic {
		if x.root == 0 {
			c.find(Finding{Kind: Schema, Table: t.name, Text: "a constraint has no index"})
		}
	}
}

func (c *checker) leaveIndex(x *index) {
	for _, col := range x.columns {
		if _, ok := btree.ParseCollation(col.collation); !ok && col.column >= 0 {
			c.leave(Left{Table: x.table.name, Index: x.name, Why: "its order is by collation " + col.collation})
		}
	}
	if x.known && x.partial {
		c.leave(Left{x.table.name, x.name, "it is a partial index", x.orderly})
	}
	if x.known && x.expression {
		c.leave(Left{x.table.name, x.name, "it has expressions", x.orderly})
	}
}

func (c *checker) leaveTable(t *table, r *rules) {
	if t.checked {
		c.leave(Left{Table: t.name, Why: "it has CHECK constraints", Rows: true})
	}
	for _, col := range t.columns {
		if col.virtual && (col.notNull || r.check(&col).allowed != typeAny) {
			c.leave(Left{Table: t.name, Why: "column " + col.name + " is generated", Rows: true})
		}
	}
	if !t.withoutRowid {
		return
	}
	for _, col := range t.primary.columns {
		if _, ok := btree.ParseCollation(col.collation); !ok {
			c.leave(Left{Table: t.name, Why: "its order is by collation " + col.collation})
		}
	}
}

// roots compares the greatest root page with that in the header.
func (c *checker) roots() {
	if c.maxRoot == 0 {
		return
	}
	last := uint32(1)
	for _, o := range c.objects {
		last = max(last, o.Root)
	}
	if last != c.maxRoot {
		c.find(Finding{Kind: Header, Text: fmt.Sprintf("greatest root page is %d, and %d in the header", last, c.maxRoot)})
	}
}
