package browse

import (
	"fmt"
	"slices"
	"strings"

	"firn/sqlite"
	"firn/sqlite/inspect"
	"firn/sqlite/internal/capi"
)

// browsed is a table that is leafed through.
type browsed struct {
	name       string // quoted
	kind       string
	columns    []string
	affinities []string // of the columns, as [inspect.Affinity] names them
	primary    []string // the columns of the primary key in its order; none for a table without one
	rowID      string   // the name by which SQL reaches the rowid; "" if there is none
	key        []string // quoted columns that order the rows; none for a view
}

// find finds a table by its name and reads how its rows are ordered.
func find(v *sqlite.View, table string) (*browsed, error) {
	t := &browsed{}
	without := int64(0)
	err := v.Each("SELECT name, type, wr FROM pragma_table_list(?1) WHERE schema = 'main'", []any{table}, func(row []any) error {
		t.name, _ = row[0].(string)
		t.kind, _ = row[1].(string)
		without, _ = row[2].(int64)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if t.name == "" {
		return nil, fmt.Errorf("%w: %q", ErrNoTable, table)
	}
	if err := t.readColumns(v); err != nil {
		return nil, err
	}
	if len(t.columns) == 0 {
		return nil, fmt.Errorf("%w: %q has no columns", ErrNoTable, table)
	}
	t.findKey(without == 1)
	t.name = capi.Identifier(t.name)
	return t, nil
}

// readColumns reads the columns and the primary key. Hidden columns of virtual tables, which have hidden 1, are arguments.
func (t *browsed) readColumns(v *sqlite.View) error {
	places := map[int64]string{}
	err := v.Each("SELECT name, type, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid", []any{t.name}, func(row []any) error {
		name, _ := row[0].(string)
		declared, _ := row[1].(string)
		t.columns, t.affinities = append(t.columns, name), append(t.affinities, inspect.Affinity(declared))
		if place, _ := row[2].(int64); place > 0 {
			places[place] = name
		}
		return nil
	})
	for place := int64(1); place <= int64(len(places)); place++ {
		t.primary = append(t.primary, places[place])
	}
	return err
}

// findKey finds the columns that order the rows: the rowid by a name that no column has, or the primary key of a table without
// one.
func (t *browsed) findKey(withoutRowID bool) {
	switch {
	case t.kind == "view":
	case withoutRowID:
		t.key = identifiers(t.primary)
	default:
		for _, name := range []string{"rowid", "_rowid_", "oid"} {
			if !slices.ContainsFunc(t.columns, func(c string) bool { return strings.EqualFold(c, name) }) {
				t.rowID, t.key = name, []string{name}
				return
			}
		}
	}
}

// column returns the place of a column. The error matches [ErrNoTable].
func (t *browsed) column(name string) (int, error) {
	i := slices.Index(t.columns, name)
	if i < 0 {
		return 0, fmt.Errorf("%w: a column %q of %s", ErrNoTable, name, t.name)
	}
	return i, nil
}

// keyValues reads a key of the table.
func (t *browsed) keyValues(key string) ([]any, error) {
	values, err := DecodeKey(key)
	if err != nil {
		return nil, err
	}
	if len(values) != len(t.key) || len(values) == 0 {
		return nil, errKey
	}
	return values, nil
}

// is returns the condition for the row with a key.
func (t *browsed) is() string { return tuple(t.key) + " = " + marks(len(t.key)) }

// tuple returns expressions as one.
func tuple(expressions []string) string { return "(" + strings.Join(expressions, ", ") + ")" }

// marks returns the places of some parameters.
func marks(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")" }
