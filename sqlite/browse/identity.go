package browse

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/sqlite"
	"firn/sqlite/internal/capi"
)

// Identity is what tells rows of a table from all others, in other images too. The primary key does, if the table has one: SQLite
// may give a rowid to another row. Make one with [Identify].
type Identity struct {
	Columns []string // of the primary key in its order; nil if it is the rowid
	RowID   string   // the name by which SQL reaches the rowid; "" if the rows have none
	Rows    [][]any  // the values of each row
}

// ErrNoKey is returned for rows that nothing tells from others: those of a view, or of a table whose columns hide the rowid.
var ErrNoKey = errors.New("its rows have no key")

// ErrTooMany is returned for more rows than one statement can name.
var ErrTooMany = errors.New("these are too many rows for one statement")

// The limits of statements: SQLite takes 32,766 parameters.
const (
	identifiedAtOnce = 500
	mostParameters   = 30_000
)

// Identify finds what tells the rows with some keys of a [Page] from others. A key without a row is an error.
func Identify(v *sqlite.View, table string, keys []string) (*Identity, error) {
	t, err := find(v, table)
	if err != nil {
		return nil, err
	}
	if len(t.key) == 0 {
		return nil, fmt.Errorf("table %q: %w", table, ErrNoKey)
	}
	i := &Identity{RowID: t.rowID}
	if len(t.primary) > 0 {
		i.Columns = t.primary
		if i.Rows, err = t.lookup(v, identifiers(t.primary), keys); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(i.Rows, func(row []any) bool { return slices.Contains(row, nil) }) {
			return i, nil
		}
	}
	i.Columns = nil // a key of SQLite may hold NULL, which is equal to nothing
	i.Rows, err = t.lookup(v, t.key, keys)
	return i, err
}

// NewIdentity returns the identity of the row with some values: those of the primary key, or of the rowid by its name.
func NewIdentity(v *sqlite.View, table, rowID string, values []any) (*Identity, error) {
	t, err := find(v, table)
	if err != nil {
		return nil, err
	}
	i := &Identity{Columns: t.primary, RowID: t.rowID, Rows: [][]any{values}}
	if rowID != "" || len(t.primary) == 0 {
		i.Columns = nil
	}
	switch {
	case i.Columns == nil && t.rowID == "", t.kind == "view":
		return nil, fmt.Errorf("table %q: %w", table, ErrNoKey)
	case len(values) != max(1, len(i.Columns)):
		return nil, errKey
	}
	return i, nil
}

// lookup returns some columns of the rows with some keys.
func (t *browsed) lookup(v *sqlite.View, columns, keys []string) (rows [][]any, err error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	for part := range slices.Chunk(keys, identifiedAtOnce) {
		var args []any
		for _, key := range part {
			values, err := t.keyValues(key)
			if err != nil {
				return nil, err
			}
			args = append(args, values...)
		}
		tuples := strings.TrimSuffix(strings.Repeat(marks(len(t.key))+", ", len(part)), ", ")
		query := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.name + " WHERE " + tuple(t.key) + " IN (VALUES " + tuples + ")" + orderBy(t.key)
		if err := v.Each(query, args, func(row []any) error { rows = append(rows, slices.Clone(row)); return nil }); err != nil {
			return nil, err
		}
	}
	if len(rows) != len(keys) {
		return nil, fmt.Errorf("%w: %d of %d rows with these keys", ErrNoTable, len(rows), len(keys))
	}
	return rows, nil
}

// Where returns a condition in SQL for the rows, with the values of its parameters.
func (i *Identity) Where() (string, []any, error) {
	names := []string{i.RowID}
	if i.Columns != nil {
		names = identifiers(i.Columns)
	}
	if len(i.Rows)*len(names) > mostParameters {
		return "", nil, fmt.Errorf("%w: %d", ErrTooMany, len(i.Rows))
	}
	tuples := strings.TrimSuffix(strings.Repeat(marks(len(names))+", ", len(i.Rows)), ", ")
	return tuple(names) + " IN (VALUES " + tuples + ")", slices.Concat(i.Rows...), nil
}

// identifiers returns names in quotes.
func identifiers(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = capi.Identifier(name)
	}
	return quoted
}
