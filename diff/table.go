package diff

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"firn/btree"
	"firn/sqlite"
)

// tablePair is a table on both sides of a comparison.
type tablePair struct {
	name     string
	shadowOf string           // the virtual table that keeps its content there; "" for none
	objects  [2]*btree.Object // nil on a side without the table
	layouts  [2]sqlite.Layout
	columns  []columnPair
}

// pairTables returns the tables of two schemas, sorted by name.
func pairTables(schemas [2][]btree.Object) []tablePair {
	known := make(map[string]*tablePair)
	shadows := make(map[string]string) // the virtual table of each shadow table
	for side := range schemas {
		for i, o := range schemas[side] {
			if o.Type == "table" && o.Root == 0 {
				for _, suffix := range shadowSuffixes(o.SQL) {
					shadows[strings.ToLower(o.Name+"_"+suffix)] = o.Name
				}
			}
			if o.Type != "table" || o.Root == 0 {
				continue
			}
			key := strings.ToLower(o.Name)
			if known[key] == nil {
				known[key] = &tablePair{}
			}
			known[key].name, known[key].objects[side] = o.Name, &schemas[side][i]
		}
	}
	var tables []tablePair
	for key, t := range known {
		t.shadowOf = shadows[key]
		tables = append(tables, *t)
	}
	slices.SortFunc(tables, func(a, b tablePair) int { return strings.Compare(a.name, b.name) })
	return tables
}

// virtualModule matches the definition of a virtual table and captures the name of its module.
var virtualModule = regexp.MustCompile("(?is)^CREATE VIRTUAL TABLE (?:\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\\[[^]]*\\]|[^\\s\"'`\\[]+)\\s*USING\\s+[\"'`\\[]?(\\w+)")

// shadowSuffixes returns the suffixes of the names of a virtual table's shadow tables, in which its module keeps the content. It
// knows the modules that come with SQLite.
func shadowSuffixes(definition string) []string {
	m := virtualModule.FindStringSubmatch(definition)
	if m == nil {
		return nil
	}
	switch strings.ToLower(m[1]) {
	case "fts5":
		return []string{"data", "idx", "content", "docsize", "config"}
	case "fts3", "fts4":
		return []string{"content", "segments", "segdir", "docsize", "stat"}
	case "rtree", "rtree_i32", "geopoly":
		return []string{"node", "rowid", "parent"}
	}
	return nil
}

// compareTable counts the rows of a table that differ, and calls show with each of them if show is not nil.
func (d *Comparison) compareTable(ctx context.Context, t tablePair, show func(Row) error) (Table, error) {
	counts := Table{Table: t.name, ShadowOf: t.shadowOf}
	same, err := d.pair.Same(t.root(Before), t.root(After))
	if err != nil || same && !t.redefined() {
		return counts, err
	}
	if err := d.leaveOutEmpty(&t); err != nil {
		return counts, err
	}
	if counts.Note, err = t.define(ctx); err != nil || counts.Note != "" {
		return counts, err
	}
	if err := d.settleRenames(&t); err != nil {
		return counts, err
	}
	for change, err := range d.pair.Rows(t.root(Before), t.root(After), t.key(), t.options(!t.aligned())) {
		if err != nil {
			return counts, err
		}
		kind := kindOf(change)
		if kind == Changed || show != nil {
			row, err := t.change(change)
			if err != nil {
				return counts, err
			}
			if kind == Changed && len(row.Changed) == 0 {
				continue // both snapshots show the same row
			}
			if show != nil {
				if err := show(row); err != nil {
					return counts, err
				}
			}
		}
		counts.count(kind)
	}
	return counts, nil
}

// redefined reports whether both sides have the table, with different definitions.
func (t *tablePair) redefined() bool {
	a, b := t.objects[Before], t.objects[After]
	return a != nil && b != nil && (a.SQL != b.SQL || a.Name != b.Name)
}

// key returns the number of columns of the key, 0 for a rowid.
func (t *tablePair) key() int { return max(t.layouts[Before].Key, t.layouts[After].Key) }

// options returns how to compare rows, with rows of equal bytes or without them.
func (t *tablePair) options(equal bool) btree.RowOptions {
	side := After
	if t.objects[After] == nil {
		side = Before
	}
	return btree.RowOptions{Collations: collations(t.layouts[side]), Equal: equal}
}

// leaveOutEmpty treats a table without rows like a missing one, since the order of its key does not matter then.
func (d *Comparison) leaveOutEmpty(t *tablePair) error {
	for side, file := range d.files {
		if t.objects[side] == nil {
			continue
		}
		if empty, err := file.Empty(t.root(side)); err != nil {
			return err
		} else if empty {
			t.objects[side] = nil
		}
	}
	return nil
}

// root returns the root page of the table on a side, 0 if the side has no such table.
func (t *tablePair) root(side int) uint32 {
	if t.objects[side] == nil {
		return 0
	}
	return t.objects[side].Root
}

// define reads the table's definitions. It returns a note that says why the rows cannot be compared, or "".
func (t *tablePair) define(ctx context.Context) (note string, err error) {
	for side, o := range t.objects {
		switch {
		case o == nil:
			continue
		case side == After && t.objects[Before] != nil && !t.redefined():
			t.layouts[After] = t.layouts[Before]
		default:
			if t.layouts[side], err = sqlite.TableLayout(ctx, o.Name, o.SQL); errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrUnparsed) {
				return "its definition cannot be read, so its rows were not compared", nil
			} else if err != nil {
				return "", err
			}
		}
	}
	a, b := t.layouts[Before], t.layouts[After]
	if t.objects[Before] != nil && t.objects[After] != nil && !sameKey(a, b) {
		return "its primary key is another, so its rows were not compared", nil
	}
	t.columns = pairColumns(a.Columns, b.Columns)
	return "", nil
}
