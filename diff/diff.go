// Package diff compares two snapshots: their schema, and the rows of their tables. Only the pages that differ are read.
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

// The sides of a diffing.
const (
	Before = 0
	After  = 1
)

// Comparison is two snapshots whose differences are asked for. Its methods are for one goroutine at a time.
type Comparison struct {
	snapshots [2]*snapshot.Snapshot
	images    [2]*repo.ImageReader
	files     [2]*btree.File
	pair      *btree.Pair
	schemas   [2][]btree.Object
	tables    []tablePair
}

// Open opens two snapshots, which may be of different databases, and finds the pages in which they differ. The images
// are read in the methods, with the context that is given here.
func Open(ctx context.Context, r *repo.Repo, from, to *snapshot.Snapshot) (*Comparison, error) {
	d := &Comparison{snapshots: [2]*snapshot.Snapshot{from, to}}
	if err := d.load(ctx, r); err != nil {
		return nil, d.explain(err)
	}
	return d, nil
}

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

// explain says which snapshots an error is about, and what to do.
func (d *Comparison) explain(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("compare snapshots %s and %s: %w", d.snapshots[Before].ID.Short(), d.snapshots[After].ID.Short(), err)
	if errors.Is(err, btree.ErrFormat) {
		return outcome.Failed("The database itself was damaged when the snapshot was taken. Look for an earlier one that is sound.", "%w", err)
	}
	return err
}

// Setting is a property of the whole database that differs.
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

// SchemaChange is an object of the schema that differs.
type SchemaChange struct {
	Kind          string // rowAdded, rowRemoved or rowChanged
	Type          string // table, index, view or trigger
	Name, Table   string
	Before, After string // the definitions in SQL; "" on the side that does not have the object
}

// Schema compares the objects that have a definition, by type and name. The
// others are indexes that come with a table.
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

// Table counts the rows of a table that differ.
type Table struct {
	Table    string
	ShadowOf string // the virtual table that keeps its content in this one; "" for none
	Note     string // why rows were not compared; "" if they were
	Added    int64
	Removed  int64
	Changed  int64
}

// Differs reports whether rows differ, or could not be compared.
func (t Table) Differs() bool { return t.Note != "" || t.Added+t.Removed+t.Changed > 0 }

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

// Count counts the rows that differ in all tables and returns the tables in which there are any, by name.
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

// Name returns the name of a table as the newer snapshot that has it spells it, whatever its case is here.
func (d *Comparison) Name(name string) (string, error) {
	i := slices.IndexFunc(d.tables, func(t tablePair) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return "", d.explain(noTable(d.tables, name))
	}
	return d.tables[i].name, nil
}

// Rows hands each row of a table that differs to a function, whose error ends the work, and counts them.
func (d *Comparison) Rows(ctx context.Context, table string, show func(Row) error) (Table, error) {
	i := slices.IndexFunc(d.tables, func(t tablePair) bool { return strings.EqualFold(t.name, table) })
	if i < 0 {
		return Table{}, d.explain(noTable(d.tables, table))
	}
	counts, err := d.compareTable(ctx, d.tables[i], show)
	return counts, d.explain(err)
}

// noTable says which tables there are.
func noTable(tables []tablePair, name string) error {
	var names, shadows []string
	for _, t := range tables {
		names = append(names, Identifier(t.name))
		if strings.EqualFold(t.shadowOf, name) {
			shadows = append(shadows, Identifier(t.name))
		}
	}
	if len(shadows) > 0 {
		return outcome.Failed("Its rows are in: "+strings.Join(shadows, ", ")+".", "table %q is virtual", name)
	}
	return outcome.Failed("There are: "+strings.Join(names, ", ")+".", "table %q: neither snapshot has it", name)
}
