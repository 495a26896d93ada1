package browse

import (
	"strings"

	"firn/sqlite"
	"firn/sqlite/internal/capi"
)

// section is a run of rows in one order. A table that is sorted by a column has two of them: NULL is less than all other values, and
// equal to none, so that no comparison goes from one to the other.
type section struct {
	conditions
	order []string
}

// clauses returns the WHERE and the ORDER BY clause.
func (s section) clauses() string { return s.clause() + orderBy(s.order) }

// orderBy returns an ORDER BY clause, "" for none.
func orderBy(expressions []string) string {
	if len(expressions) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(expressions, ", ")
}

// sections returns what is left of the rows that pass a filter, behind those up to a key.
//
// The place where a page begins is a key alone, never a number of rows or a value: the value in the sorted column is that of the
// row with this key, which cannot change in an image. SQLite compares it there, by the column's own collation, and it may be of any
// length and type.
func (t *browsed) sections(v *sqlite.View, filter conditions, o Options) ([]section, error) {
	if o.Sort == "" {
		return t.byKey(filter, o)
	}
	if _, err := t.column(o.Sort); err != nil {
		return nil, err
	}
	column, direction, operator := capi.Identifier(o.Sort), "", " > "
	if o.Descending {
		direction, operator = " DESC", " < "
	}
	order := t.ordered(direction)
	nulls := section{filter.and(column + " IS NULL"), order}
	values := section{filter.and(column + " IS NOT NULL"), append([]string{column + direction}, order...)}
	if o.After == "" {
		return inOrder(nulls, values, o.Descending), nil
	}
	key, err := t.keyValues(o.After)
	if err != nil {
		return nil, err
	}
	isNull, err := t.isNull(v, column, key)
	if err != nil {
		return nil, err
	}
	if isNull {
		nulls.conditions = nulls.and(tuple(t.key)+operator+marks(len(key)), key...)
		if o.Descending {
			return []section{nulls}, nil
		}
		return []section{nulls, values}, nil
	}
	// The subquery has the affinity of the column, like the other side: SQLite converts neither.
	last := "((SELECT " + column + " FROM " + t.name + " WHERE " + t.is() + "), " + strings.TrimPrefix(marks(len(key)), "(")
	values.conditions = values.and(tuple(append([]string{column}, t.key...))+operator+last, append(key, key...)...)
	if o.Descending {
		return []section{values, nulls}, nil
	}
	return []section{values}, nil
}

// inOrder returns both sections of a sorted table.
func inOrder(nulls, values section, descending bool) []section {
	if descending {
		return []section{values, nulls}
	}
	return []section{nulls, values}
}

// byKey returns the rows in the order of their key.
func (t *browsed) byKey(filter conditions, o Options) ([]section, error) {
	direction, operator := "", " > "
	if o.Descending {
		direction, operator = " DESC", " < "
	}
	s := section{filter, t.ordered(direction)}
	if o.After != "" {
		key, err := t.keyValues(o.After)
		if err != nil {
			return nil, err
		}
		s.conditions = s.and(tuple(t.key)+operator+marks(len(key)), key...)
	}
	return []section{s}, nil
}

// ordered returns the columns of the key with a direction.
func (t *browsed) ordered(direction string) []string {
	order := make([]string, len(t.key))
	for i, name := range t.key {
		order[i] = name + direction
	}
	return order
}

// isNull reports whether the row with a key has NULL in a column.
func (t *browsed) isNull(v *sqlite.View, column string, key []any) (isNull bool, err error) {
	found := false
	err = v.Each("SELECT "+column+" IS NULL FROM "+t.name+" WHERE "+t.is(), key, func(row []any) error {
		found, isNull = true, row[0] == int64(1)
		return nil
	})
	if err == nil && !found {
		err = errKey
	}
	return isNull, err
}
