package proof

import (
	"context"

	"firn/btree"
	"firn/sqlite/inspect"
)

// The sides of a comparison.
const (
	before = 0
	after  = 1
)

// changes are the rows of a table that differ, by their keys.
type changes struct {
	keys [2][][]any // of rows that are gone or were others, and of rows that are new or others
	many bool       // more rows than are worth looking at one by one, or rows that SQL cannot name
}

// maxRows is how many rows of a table are looked at one by one, at most.
const maxRows = 100_000

// changesOf returns the rows of a table that differ.
func (c *comparison) changesOf(ctx context.Context, t *inspect.Table) (*changes, error) {
	if known := c.rows[t.Name]; known != nil {
		return known, nil
	}
	if c.pair == nil {
		var err error
		if c.pair, err = btree.NewPair(c.files[before], c.files[after], c.ranges); err != nil {
			return nil, unsure(err)
		}
		c.rows = map[string]*changes{}
	}
	found := &changes{}
	c.rows[t.Name] = found
	var options btree.RowOptions
	for _, name := range t.Collations {
		collation, _ := btree.ParseCollation(name)
		options.Collations = append(options.Collations, collation)
	}
	for change, err := range c.pair.Rows(t.Root, t.Root, len(t.Collations), options) {
		if err != nil {
			return nil, unsure(err)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for side, row := range []*btree.Row{change.Before, change.After} {
			if err := found.add(side, t, row); err != nil {
				return nil, unsure(err)
			}
		}
		if found.many {
			break
		}
	}
	return found, nil
}

// add adds the key of a row, which may be nil.
func (c *changes) add(side int, t *inspect.Table, row *btree.Row) error {
	if row == nil {
		return nil
	}
	key := []any{row.RowID}
	if t.Collations != nil {
		values, err := row.Values()
		if err != nil {
			return err
		}
		key = values[:min(len(values), len(t.Key))]
	}
	for _, v := range key {
		if _, malformed := v.(btree.Malformed); malformed {
			c.many = true
		}
	}
	c.keys[side] = append(c.keys[side], key)
	c.many = c.many || len(t.Key) == 0 || len(key) < len(t.Key) || len(c.keys[side]) > maxRows
	return nil
}
