package rowsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/sqlite/internal/capi"
)

// scratch is a database in memory with copies of rows of a table, and nothing else.
type scratch struct {
	*connection
	table  *table
	number string // the column that tells the copies apart
}

// newScratch copies rows into a table with the columns of another one. Values get the form in which that stores them.
func newScratch(ctx context.Context, t *table, rows []*row) (*scratch, error) {
	c, err := capi.Open(ctx, ":memory:", capi.ReadWrite)
	if err != nil {
		return nil, err
	}
	s := &scratch{newConnection(c), t, "number"}
	for t.column(s.number) >= 0 {
		s.number += "_"
	}
	if err := s.fill(rows); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// fill makes the table. Its rowids are those of the rows, since a condition may name them.
func (s *scratch) fill(rows []*row) error {
	names, columns := []string{s.number}, []string{s.number + " INTEGER"}
	for _, c := range s.table.columns {
		names = append(names, identifier(c.name))
		columns = append(columns, identifier(c.name)+" "+s.typeOf(c)+" COLLATE "+identifier(c.collation))
	}
	if s.table.rowid != "" {
		names = append(names, s.table.rowid)
	}
	create := "PRAGMA temp_store = MEMORY; CREATE TABLE " + identifier(s.table.name) + "(" + strings.Join(columns, ", ") + ")"
	if s.table.strict {
		create += " STRICT"
	}
	if err := s.Exec(create + "; BEGIN"); err != nil {
		return err
	}
	insert := "INSERT INTO " + identifier(s.table.name) + "(" + strings.Join(names, ", ") + ") VALUES " + parameters(len(names))
	for i, r := range rows {
		if _, err := s.run(insert, s.arguments(i, r)); err != nil {
			return err
		}
	}
	return s.Exec("COMMIT")
}

// typeOf returns the declared type of a column. In quotes, SQLite takes any text for one, but not in a STRICT table, where there
// are six.
func (s *scratch) typeOf(c column) string {
	if s.table.strict && slices.Contains([]string{"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"}, strings.ToUpper(c.declared)) || c.declared == "" {
		return c.declared
	}
	return identifier(c.declared)
}

// arguments returns the values of a row for the table: with NULL in the place of absent ones.
func (s *scratch) arguments(number int, r *row) []any {
	values := []any{int64(number)}
	for _, v := range r.values {
		if _, missing := v.(absent); missing {
			v = nil
		}
		values = append(values, v)
	}
	if s.table.rowid != "" {
		values = append(values, r.rowid)
	}
	return values
}

// fulfilling returns the rows for which the condition of a request is true. It runs on copies of the rows.
func fulfilling(ctx context.Context, t *table, rows []*row, request Request) (found []*row, err error) {
	s, err := newScratch(ctx, t, rows)
	if err != nil {
		return nil, fmt.Errorf("copy rows that would be deleted: %w", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.confine(); err != nil {
		return nil, err
	}
	err = s.query("SELECT "+s.number+" FROM "+identifier(t.name)+condition(request.Where), request.Args, func(v []any) error {
		found = append(found, rows[v[0].(int64)])
		return nil
	})
	if f, ok := errors.AsType[*capi.Failure](err); ok {
		return nil, refuse("With --mode replace the condition is also asked of rows that would be deleted. It can use the columns of the table alone.",
			"the condition: %s", f.Message)
	}
	return found, err
}

// convert gives the values of rows of the image the form that the live table would give them, if a type was declared anew since:
// in a column of numbers, '5' is stored as 5.
func convert(ctx context.Context, t *table, rows []*row) (err error) {
	if len(t.retyped()) == 0 || len(rows) == 0 {
		return nil
	}
	s, err := newScratch(ctx, t, rows)
	if err != nil {
		return explain(err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return s.query("SELECT "+s.number+", "+identifiers(names)+" FROM "+identifier(t.name), nil, func(v []any) error {
		r := rows[v[0].(int64)]
		for i := range r.values {
			if _, missing := r.values[i].(absent); !missing {
				r.values[i] = v[1+i]
			}
		}
		return nil
	})
}

// confine lets the connection only read.
func (c *connection) confine() error {
	c.ForbidAttach()
	return errors.Join(c.DistrustSchema(), c.Exec("PRAGMA query_only = 1"), c.AllowReading())
}
