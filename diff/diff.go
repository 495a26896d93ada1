// Package diff compares two snapshots: their schemas and the rows of their tables. It reads only the pages that differ, but for
// tables whose columns have moved.
package diff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/btree"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
)

// The sides of a [Comparison] are indexes of its arrays.
const (
	Before = 0
	After  = 1
)

// Comparison compares two snapshots. Its methods are for one goroutine at a time.
type Comparison struct {
	snapshots [2]*snapshot.Snapshot
	images    [2]*repo.ImageReader
	files     [2]*btree.File
	pair      *btree.Pair
	schemas   [2][]btree.Object
	tables    []tablePair
}

// Open opens two snapshots, which may be of different databases, and finds the pages in which they differ. The methods of the
// Comparison read the images with the context that Open gets.
func Open(ctx context.Context, r *repo.Repo, from, to *snapshot.Snapshot) (*Comparison, error) {
	d := &Comparison{snapshots: [2]*snapshot.Snapshot{from, to}}
	if err := d.load(ctx, r); err != nil {
		return nil, d.explain(err)
	}
	return d, nil
}

// load opens the images and reads their schemas.
func (d *Comparison) load(ctx context.Context, r *repo.Repo) (err error) {
	for side, snap := range d.snapshots {
		if d.images[side], err = r.OpenImage(ctx, snap); err != nil {
			return err
		}
		image := d.images[side]
		if d.files[side], err = btree.Open(image.At(ctx), image.Size()); err != nil {
			return fmt.Errorf("snapshot %s: %w", snap.ID.Short(), err)
		}
	}
	differing := d.images[Before].Differing(d.images[After])
	if d.pair, err = btree.NewPair(d.files[Before], d.files[After], differing); err != nil {
		return err
	}
	for side, file := range d.files {
		if d.schemas[side], err = file.Schema(); err != nil {
			return fmt.Errorf("snapshot %s: %w", d.snapshots[side].ID.Short(), err)
		}
	}
	d.tables = pairTables(d.schemas)
	return nil
}

// explain names both snapshots in an error and adds a hint for a damaged database.
func (d *Comparison) explain(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("compare snapshots %s and %s: %w", d.snapshots[Before].ID.Short(), d.snapshots[After].ID.Short(), err)
	if errors.Is(err, btree.ErrFormat) {
		return outcome.DamagedDatabase("ID", err)
	}
	return err
}

// Setting is a property of the whole database that differs between the snapshots.
type Setting struct {
	Name          string
	Before, After any
}

// Settings returns the properties in the headers of the databases that differ.
func (d *Comparison) Settings() (changed []Setting) {
	a, b := d.files[Before].Header, d.files[After].Header
	for _, s := range []Setting{
		{"page_size", a.PageSize, b.PageSize},
		{"encoding", a.Encoding.String(), b.Encoding.String()},
		{"user_version", a.UserVersion, b.UserVersion},
		{"application_id", a.ApplicationID, b.ApplicationID},
	} {
		if s.Before != s.After {
			changed = append(changed, s)
		}
	}
	return changed
}

// SchemaChange is an object of the schema that differs between the snapshots.
type SchemaChange struct {
	Kind          string // Added, Removed or Changed
	Type          string // table, index, view or trigger
	Name, Table   string
	Before, After string // the definitions in SQL; "" on the side that does not have the object
}

// Schema returns the objects that differ, matched by type and name and sorted by table. It leaves out objects without a
// definition: they are indexes that SQLite makes for a table.
func (d *Comparison) Schema() (changes []SchemaChange) {
	known := make(map[[2]string]btree.Object)
	for _, o := range d.schemas[Before] {
		known[[2]string{o.Type, o.Name}] = o
	}
	for _, o := range d.schemas[After] {
		key := [2]string{o.Type, o.Name}
		old, ok := known[key]
		delete(known, key)
		if old.SQL == o.SQL {
			continue
		}
		change := SchemaChange{Added, o.Type, o.Name, o.Table, old.SQL, o.SQL}
		if ok {
			change.Kind = Changed
		}
		changes = append(changes, change)
	}
	for _, o := range known {
		if o.SQL != "" {
			changes = append(changes, SchemaChange{Removed, o.Type, o.Name, o.Table, o.SQL, ""})
		}
	}
	slices.SortStableFunc(changes, func(a, b SchemaChange) int {
		return slices.Compare([]string{a.Table, a.Type, a.Name}, []string{b.Table, b.Type, b.Name})
	})
	return changes
}

// Table has the numbers of rows of a table that differ.
type Table struct {
	Table    string
	ShadowOf string // the virtual table that keeps its content in this table; "" for none
	Note     string // why rows were not compared; "" if they were
	Added    int64
	Removed  int64
	Changed  int64
}

// Differs reports whether rows differ or could not be compared.
func (t Table) Differs() bool { return t.Note != "" || t.Added+t.Removed+t.Changed > 0 }

// count counts one row that differs.
func (t *Table) count(kind string) {
	switch kind {
	case Added:
		t.Added++
	case Removed:
		t.Removed++
	default:
		t.Changed++
	}
}

// Count counts the rows that differ in all tables. It returns the tables that have such rows, sorted by name.
func (d *Comparison) Count(ctx context.Context) (differing []Table, err error) {
	for _, t := range d.tables {
		counts, err := d.compareTable(ctx, t, nil)
		if err != nil {
			return nil, d.explain(err)
		}
		if counts.Differs() {
			differing = append(differing, counts)
		}
	}
	return differing, nil
}

// Name finds a table by its name, in upper or lower case, and returns the name as the newest snapshot with that table spells
// it. An unknown name is an error that lists the tables.
func (d *Comparison) Name(name string) (string, error) {
	i := slices.IndexFunc(d.tables, func(t tablePair) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return "", d.explain(noTable(d.tables, name))
	}
	return d.tables[i].name, nil
}

// Rows calls a function with each row of a table that differs, and returns their numbers. An error of the function ends the
// comparison and is returned.
func (d *Comparison) Rows(ctx context.Context, table string, show func(Row) error) (Table, error) {
	i := slices.IndexFunc(d.tables, func(t tablePair) bool { return strings.EqualFold(t.name, table) })
	if i < 0 {
		return Table{}, d.explain(noTable(d.tables, table))
	}
	counts, err := d.compareTable(ctx, d.tables[i], show)
	return counts, d.explain(err)
}

// Errors of [Comparison.Name] and [Comparison.Rows].
var (
	// ErrNoTable is returned for a name that no table of the two snapshots has.
	ErrNoTable = errors.New("neither snapshot has it")
	// ErrVirtual is returned for a virtual table, which keeps its rows in other tables.
	ErrVirtual = errors.New("is virtual")
)

// noTable returns the error for an unknown name of a table. It lists the tables.
func noTable(tables []tablePair, name string) error {
	var names, shadows []string
	for _, t := range tables {
		names = append(names, Identifier(t.name))
		if strings.EqualFold(t.shadowOf, name) {
			shadows = append(shadows, Identifier(t.name))
		}
	}
	if len(shadows) > 0 {
		return outcome.Failed("Its rows are in: "+strings.Join(shadows, ", ")+".", "table %q %w", name, ErrVirtual)
	}
	return outcome.Failed("There are: "+strings.Join(names, ", ")+".", "table %q: %w", name, ErrNoTable)
}
