package proof

import (
	"context"
	"fmt"
	"strings"

	"firn/btree/check"
)

// most is how many pages a table with its indexes may have for SQLite to check all of it though only some pages differ.
const most = 1024

// left has SQLite check the tables that have parts which are left to it: small tables as a whole, and the rows that differ
// of others. Of tables whose rows do not differ, it finds out only what could not be checked before either.
func (c *comparison) left(ctx context.Context, found *check.Result) error {
	for _, table := range tables(found.Left) {
		large, err := c.larger(table)
		if err != nil {
			return err
		}
		if large {
			err = c.large(ctx, table, found.Left)
		} else {
			err = c.inspection.Table(table)
		}
		if err != nil {
			return err
		}
	}
	for _, table := range tables(found.Same) {
		if err := c.inspection.CanTable(table); err != nil {
			return err
		}
	}
	return nil
}

// large checks what is left of a large table by its rows that differ.
func (c *comparison) large(ctx context.Context, table string, all []check.Left) error {
	before := len(c.inspection.Missed)
	if err := c.inspection.CanTable(table); err != nil || len(c.inspection.Missed) > before {
		return err
	}
	var left []check.Left
	byRows := true
	for _, l := range all {
		if l.Table == table {
			left = append(left, l)
			byRows = byRows && l.Rows
		}
	}
	if byRows {
		done, err := c.byRows(ctx, table, left)
		if done || err != nil {
			return err
		}
	}
	for _, l := range left {
		c.inspection.Missed = append(c.inspection.Missed, describe(l)+", and the table is too large to be checked as a whole")
	}
	return nil
}

// describe names a part that takes SQLite to check.
func describe(l check.Left) string {
	if l.Index != "" {
		return fmt.Sprintf("index %s of table %s: %s", l.Index, l.Table, l.Why)
	}
	return fmt.Sprintf("table %s: %s", l.Table, l.Why)
}

// larger reports whether a table has too many pages. A virtual table has its rows in tables whose names begin with its own.
func (c *comparison) larger(table string) (bool, error) {
	objects, err := c.files[after].Schema()
	if err != nil {
		return false, unsure(err)
	}
	table = strings.ToLower(table)
	pages := 0
	for _, o := range objects {
		name := strings.ToLower(o.Table)
		if o.Root == 0 || name != table && !strings.HasPrefix(name, table+"_") {
			continue
		}
		n, err := c.files[after].CountPages(o.Root, c.most)
		if err != nil {
			return false, unsure(err)
		}
		if pages += n; pages > c.most {
			return true, nil
		}
	}
	return false, nil
}
