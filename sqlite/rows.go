package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// TableRows is the number of rows of one table.
type TableRows struct {
	Name string // as in the schema
	Rows int64  // -1 if they were not counted, which happens in [CountRows] only
}

// table is a table that has a b-tree of its own.
type table struct {
	name string
	root int64 // number of the page where its b-tree begins
}

// tablesOf returns the tables of the schema, sorted by name. It leaves out virtual tables, which keep their rows in
// other tables, and the tables of SQLite itself.
func tablesOf(c *capi.Conn) ([]table, error) {
	tables := []table{}
	err := c.Rows(`SELECT name, rootpage FROM sqlite_schema
		WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`, func(s *capi.Stmt) {
		tables = append(tables, table{s.Text(0), s.Number(1)})
	})
	if err != nil {
		return nil, err
	}
	return tables, nil
}

// CountRows counts the rows of each table of a live database by SELECT count(*), in one read transaction, sorted by
// name. Virtual tables and the tables of SQLite itself are left out. The database is opened as by [Open]: it is not
// changed, and not created; errors are the same.
//
// CountRows reads all of the database, and meanwhile a database with a rollback journal cannot commit: give it a
// deadline. When the deadline has passed, or a table cannot be read, the tables that were not counted have -1 rows.
// That is no error, unless not even the names of the tables could be read by then.
func CountRows(ctx context.Context, path string) ([]TableRows, error) {
	rows, err := countRows(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("count rows of %s: %w", path, err)
	}
	return rows, nil
}

func countRows(ctx context.Context, path string) (rows []TableRows, err error) {
	path, _, err = source.Resolve(path)
	if err != nil {
		return nil, err
	}
	c, still, err := source.Open(ctx, path, defaultBusyTimeout, time.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, still.Check(), c.Close()) }()
	if err := c.Exec("BEGIN"); err != nil {
		return nil, err
	}
	err = c.Retry(defaultBusyTimeout, func() (err error) { rows, err = countTables(c); return err })
	return rows, err
}

// countTables counts the rows of each table in the open transaction, if there is one. A table that cannot be read, or
// not before the deadline, has -1 rows.
func countTables(c *capi.Conn) ([]TableRows, error) {
	tables, err := tablesOf(c)
	if err != nil {
		return nil, err
	}
	rows := make([]TableRows, 0, len(tables))
	for _, t := range tables {
		n, err := c.Number("SELECT count(*) FROM main." + capi.Identifier(t.name))
		if err != nil && c.Context().Err() == context.Canceled {
			return nil, err
		}
		if err != nil {
			n = notCounted
		}
		rows = append(rows, TableRows{t.name, n})
	}
	return rows, nil
}

// notCounted stands for the rows of a table that could not be counted.
const notCounted = -1
