package btree

import (
	"fmt"
	"unicode/utf16"
)

// schemaRoot is the page of the table that lists all other tables (section 2.6).
const schemaRoot = 1

// Object is an entry of the schema: a table, an index, a view or a trigger.
type Object struct {
	Type  string
	Name  string
	Table string // table that the object belongs to
	Root  uint32 // page of its tree; 0 for views, triggers and virtual tables
	SQL   string // empty for indexes that come with a table
}

// Schema returns the objects of the database, without the table that lists them.
func (f *File) Schema() ([]Object, error) {
	var objects []Object
	roots, left := newSet(f.PageCount), f.budget()
	for at, err := range f.rows(schemaRoot, nil) {
		var o Object
		if err == nil {
			o, err = f.object(&Row{file: f, at: at}, &left)
		}
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		if o.Root != 0 && roots.has(o.Root) { // otherwise a tree could be read once for each of its names
			return nil, fmt.Errorf("read schema: %w: page %d is the root of two trees", ErrFormat, o.Root)
		}
		roots.add(o.Root)
		objects = append(objects, o)
	}
	return objects, nil
}

// object reads a row of the schema.
func (f *File) object(row *Row, left *budget) (o Object, err error) {
	c, err := row.cell()
	if err == nil {
		err = left.spend(c)
	}
	if err != nil {
		return o, err
	}
	values, err := row.Values()
	if err != nil {
		return o, err
	}
	if len(values) < 5 {
		return o, fmt.Errorf("%w: a row of the schema has %d columns", ErrFormat, len(values))
	}
	for i, field := range map[int]*string{0: &o.Type, 1: &o.Name, 2: &o.Table, 4: &o.SQL} {
		switch v := values[i].(type) {
		case string:
			*field = v
		case Malformed:
			*field = string(utf16.Decode(unitsOf(string(v), f.Encoding)))
		}
	}
	if root, ok := values[3].(int64); ok && root > 0 && root <= int64(f.PageCount) {
		o.Root = uint32(root)
	}
	return o, nil
}

// isTable reports whether the object has rows of its own.
func (o Object) isTable() bool { return o.Type == "table" && o.Root != 0 }
