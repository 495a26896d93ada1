package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/sqlite/caseless"
	"firn/sqlite/internal/capi"
)

// Reference is a foreign key: columns of a child table, and columns of its parent that hold the same values.
//
// SQL compares the two as SQLite's foreign_key_check does (https://www.sqlite.org/foreignkeys.html, section 3): a value of
// the child is converted as if it was stored in the parent's column, and compared by the parent's collation. A plus sign
// before a column takes its own conversion away, and the left side's collation counts.
type Reference struct {
	Child, Parent *Table
	columns       []string // of the child
	keys          []string // of the parent
}

// ErrMany is returned by [Inspection.References] for more than 256 foreign keys: to ask for the rows of each takes longer than to
// check all rows.
var ErrMany = errors.New("rows of more than 256 foreign keys differ")

const mostReferences = 256

// References returns the foreign keys whose rows or whose parents' rows may have changed, as far as they can be checked, and
// notes the others. The tables that have changed are named in lower case. It reads no row.
func (i *Inspection) References(changed map[string]bool) (all []*Reference, err error) {
	keys, err := i.foreignKeys()
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k foreignKey) bool { return !changed[caseless.Fold(k.child)] && !changed[caseless.Fold(k.parent)] })
	if len(keys) > mostReferences {
		return nil, ErrMany
	}
	can := map[string]bool{}
	for _, k := range keys {
		if _, known := can[k.child]; !known {
			if can[k.child], err = i.canCheck(k.child); err != nil {
				return nil, err
			}
		}
		if !can[k.child] {
			continue
		}
		r, err := i.reference(k)
		if err := i.miss("foreign keys of table "+k.child+": ", err); err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, r)
		}
	}
	return all, nil
}

// canCheck reports whether SQLite can check the foreign keys of a table, and notes why it cannot.
func (i *Inspection) canCheck(child string) (bool, error) {
	s, err := i.conn.Prepare("PRAGMA foreign_key_check(" + capi.Quote(child) + ")")
	if err == nil {
		s.Finalize()
	}
	return err == nil, i.miss("foreign keys of table "+child+": ", err)
}

// reference describes a foreign key; nil if a table of it has no rows of its own.
func (i *Inspection) reference(k foreignKey) (*Reference, error) {
	child, err := i.Describe(k.child)
	if err != nil || child == nil {
		return nil, err
	}
	parent, err := i.Describe(k.parent)
	if err != nil || parent == nil {
		return nil, err
	}
	r := &Reference{child, parent, k.columns, k.keys}
	if len(r.keys) == 0 { // the parent's primary key is meant
		r.keys, err = i.primaryKey(parent.Name)
	}
	return r, err
}

func (i *Inspection) primaryKey(table string) (columns []string, err error) {
	err = i.conn.Rows("SELECT name FROM pragma_table_info("+capi.Quote(table)+") WHERE pk > 0 ORDER BY pk", func(s *capi.Stmt) {
		columns = append(columns, s.Text(0))
	})
	return columns, err
}

// hasParent returns SQL that tells whether the row child has a parent.
func (r *Reference) hasParent() string {
	var terms []string
	for n, key := range r.keys {
		terms = append(terms, member("parent", key)+" = +"+member("child", r.columns[n]))
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s WHERE %s)", from(r.Parent, "parent"), strings.Join(terms, " AND "))
}

// Orphan prepares the question for a row of the child's table, by its key, whether the row lacks a parent. The answer is a
// truth value.
func (i *Inspection) Orphan(r *Reference) (*Question, error) {
	var terms []string
	for _, column := range r.columns {
		terms = append(terms, member("child", column)+" IS NOT NULL")
	}
	return i.ask(fmt.Sprintf("SELECT %s AND NOT %s FROM %s WHERE %s", strings.Join(terms, " AND "), r.hasParent(), from(r.Child, "child"), r.Child.is("child")))
}

// ParentKey prepares the question for a row of the parent's table, by its key, for the values that children refer to.
func (i *Inspection) ParentKey(r *Reference) (*Question, error) {
	var columns []string
	for _, key := range r.keys {
		columns = append(columns, member("parent", key))
	}
	return i.ask(fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(columns, ", "), from(r.Parent, "parent"), r.Parent.is("parent")))
}

// Parent prepares the question for values of a parent's key, as [Inspection.ParentKey] answers, whether a parent has them.
// The answer is a row if one has.
func (i *Inspection) Parent(r *Reference) (*Question, error) {
	return i.ask(fmt.Sprintf("SELECT 1 FROM %s WHERE %s", from(r.Parent, "parent"), r.holds("parent")))
}

// holds returns SQL that compares a parent's key with parameters.
func (r *Reference) holds(row string) string {
	var terms []string
	for n, key := range r.keys {
		terms = append(terms, fmt.Sprintf("%s = ?%d", member(row, key), n+1))
	}
	return strings.Join(terms, " AND ")
}

// Orphans prepares the question for values of a parent's key for a child that refers to them, if no parent has these
// values. The answer is the child's rowid. Orphans returns nil if SQLite has no index that helps, or if values could be
// equal to others than such an index finds.
func (i *Inspection) Orphans(r *Reference) (*Question, error) {
	collations, err := i.keyCollations(r)
	if err != nil || collations == nil {
		return nil, err
	}
	var refer []string
	for n, column := range r.columns {
		if !alike(r.Child.types[caseless.Fold(column)], r.Parent.types[caseless.Fold(r.keys[n])]) {
			return nil, nil
		}
		refer = append(refer, fmt.Sprintf("%s = ?%d COLLATE %s", member("child", column), n+1, capi.Identifier(collations[n])))
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s AND NOT EXISTS (SELECT 1 FROM %s WHERE %s) AND NOT %s LIMIT 1",
		r.Child.names("child"), from(r.Child, "child"), strings.Join(refer, " AND "),
		from(r.Parent, "other"), r.holds("other"), r.hasParent())
	scans := false
	err = i.conn.Rows("EXPLAIN QUERY PLAN "+sql, func(s *capi.Stmt) { scans = scans || strings.HasPrefix(s.Text(3), "SCAN ") })
	if err != nil || scans {
		return nil, err
	}
	return i.ask(sql)
}

// keyCollations returns the collations of the parent's columns, by its UNIQUE index of these columns. It returns nil if
// there are several such indexes that differ.
func (i *Inspection) keyCollations(r *Reference) ([]string, error) {
	indexes := map[string]map[string]string{} // the collation of each column
	err := i.conn.Rows(`SELECT l.name, x.name, x.coll FROM pragma_index_list(`+capi.Quote(r.Parent.Name)+`) AS l, pragma_index_xinfo(l.name) AS x
		WHERE l."unique" AND NOT l.partial AND x.key`, func(s *capi.Stmt) {
		if indexes[s.Text(0)] == nil {
			indexes[s.Text(0)] = map[string]string{}
		}
		indexes[s.Text(0)][caseless.Fold(s.Text(1))] = s.Text(2)
	})
	if err != nil {
		return nil, err
	}
	var collations []string
	for _, index := range indexes {
		found, fits := r.fit(index)
		if !fits {
			continue
		}
		if collations != nil && strings.Join(found, ",") != strings.Join(collations, ",") {
			return nil, nil
		}
		collations = found
	}
	if collations == nil && len(r.keys) == 1 { // the rowid, which is a number
		collations = []string{"BINARY"}
	}
	return collations, nil
}

// fit reports whether an index has the parent's columns and no others, and returns their collations.
func (r *Reference) fit(index map[string]string) (collations []string, fits bool) {
	for _, key := range r.keys {
		c, ok := index[caseless.Fold(key)]
		if !ok {
			return nil, false
		}
		collations = append(collations, c)
	}
	return collations, len(index) == len(r.keys)
}

// Orphaned notes that a row lacks its parent. The name of the row is its rowid, nil in tables WITHOUT ROWID.
func (i *Inspection) Orphaned(r *Reference, rowid any) {
	name := "(without rowid)"
	if rowid != nil {
		name = fmt.Sprint(rowid)
	}
	i.orphan(r.Child.Name, name, r.Parent.Name)
}
