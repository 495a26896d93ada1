package btree

import "fmt"

// schemaRoot is the page of the table that lists all others (section 2.6).
const schemaRoot = 1

// Object is an entry of the schema: a table, an index, a view or a trigger.
type Object struct {
	Type  string
	Name  string
	Table string // that it belongs to
	Root  uint32 // page of its tree; 0 for views, triggers and virtual tables
	SQL   string // empty for indexes that come with a table
}

// Schema returns the objects of the database, but for the table that lists them.
func (f *File) Schema() ([]Object, error) {
	var objects []Object
	for at, err := range f.rows(schemaRoot, nil) {
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		values, err := (&Row{file: f, at: at}).Values()
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		if len(values) < 5 {
			return nil, fmt.Errorf("read schema: %w: a row of %d columns", ErrFormat, len(values))
		}
		o := Object{}
		o.Type, _ = values[0].(string)
		o.Name, _ = values[1].(string)
		o.Table, _ = values[2].(string)
		o.SQL, _ = values[4].(string)
		if root, ok := values[3].(int64); ok && root > 0 && root <= int64(f.PageCount) {
			o.Root = uint32(root)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// isTable reports whether the object has rows of its own.
func (o Object) isTable() bool { return o.Type == "table" && o.Root != 0 }
