package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"firn/btree"
	"firn/btree/check"
	"firn/sqlite/inspect"
)

// byRows checks a table by its rows that differ. SQLite takes the rows of each image into an empty table of the same
// definition: it refuses rows that break a constraint, and computes the entries of indexes. As many entries must have come
// and gone in the image as in the copies. byRows returns false if it cannot tell.
func (c *comparison) byRows(ctx context.Context, table string, left []check.Left) (done bool, err error) {
	t, err := c.inspection.Describe(table)
	if err != nil || t == nil {
		return false, err
	}
	rows, err := c.changesOf(ctx, t)
	if err != nil || rows.many {
		return false, err
	}
	if err := c.openOlder(ctx); err != nil {
		return false, err
	}
	var copies [2]*inspect.Copy
	for side, image := range []*inspect.Inspection{c.olderView, c.inspection} {
		copies[side], err = image.Copy(ctx, t, rows.keys[side], side == after)
		if inspect.CannotLook(err) || errors.Is(err, inspect.ErrNotCopied) {
			return false, nil
		}
		if side == before {
			err = c.unsureOlder(err)
		}
		if err != nil {
			return false, err
		}
		defer copies[side].Close()
	}
	if len(copies[before].Refused) > 0 {
		return false, nil
	}
	if refused := copies[after].Refused; len(refused) > 0 {
		c.inspection.Found = append(c.inspection.Found, refused...)
		return true, nil
	}
	return c.compareEntries(copies, left)
}

// compareEntries compares the entries that have come and gone in indexes with those that copies of the rows have.
func (c *comparison) compareEntries(copies [2]*inspect.Copy, left []check.Left) (done bool, err error) {
	var indexes []string
	for _, l := range left {
		if l.Index != "" && !slices.Contains(indexes, l.Index) {
			indexes = append(indexes, l.Index)
		}
	}
	if len(indexes) == 0 {
		return true, nil
	}
	expected := map[string]entries{}
	for side, copied := range copies {
		image, err := copied.Image()
		if err != nil {
			return false, err
		}
		if err := addCopied(expected, image, indexes, side); err != nil {
			return false, err
		}
	}
	objects, err := c.files[after].Schema()
	if err != nil {
		return false, unsure(err)
	}
	for _, o := range objects {
		if o.Type != "index" || !slices.Contains(indexes, o.Name) {
			continue
		}
		found := entries{}
		for change, err := range c.pair.Unpaired(o.Root, o.Root) {
			if err == nil {
				err = errors.Join(found.add(change.Before, before), found.add(change.After, after))
			}
			if err != nil {
				return false, unsure(err)
			}
		}
		same, err := found.equal(expected[o.Name])
		if err != nil {
			return false, unsure(err)
		}
		if !same {
			c.inspection.Found = append(c.inspection.Found, fmt.Sprintf("entries of index %s do not fit the rows that have changed", o.Name))
		}
	}
	return true, nil
}

// addCopied adds the entries of indexes in the image of a copy.
func addCopied(all map[string]entries, image []byte, indexes []string, side int) error {
	var files [2]*btree.File
	for n := range files {
		f, err := btree.Open(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			return err
		}
		files[n] = f
	}
	pair, err := btree.NewPair(files[before], files[after], func(func(int64, int64) bool) {})
	if err != nil {
		return err
	}
	objects, err := files[after].Schema()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !slices.Contains(indexes, o.Name) {
			continue
		}
		if all[o.Name] == nil {
			all[o.Name] = entries{}
		}
		for change, err := range pair.Unpaired(0, o.Root) { // all entries, as if they had come
			if err == nil {
				err = all[o.Name].add(change.After, side)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// entries counts entries of an index by their records: how many more there are after than before.
type entries map[string]int

// add counts an entry on one side, which may be nil.
func (e entries) add(row *btree.Row, side int) error {
	if row == nil {
		return nil
	}
	record, err := row.Stored()
	if err != nil {
		return err
	}
	if side == after {
		e[string(record)]++
	} else {
		e[string(record)]--
	}
	return nil
}

// equal reports whether both count the same values. An entry that has come and gone counts nothing.
func (e entries) equal(other entries) (bool, error) {
	sums := map[string]int{}
	for sign, counts := range map[int]entries{1: e, -1: other} {
		for record, n := range counts {
			if n == 0 {
				continue
			}
			values, err := btree.Decode([]byte(record), btree.UTF8)
			if err != nil {
				return false, err
			}
			sums[nameOf(values)] += sign * n
		}
	}
	for _, n := range sums {
		if n != 0 {
			return false, nil
		}
	}
	return true, nil
}

// nameOf returns a text that is the same for equal entries. SQLite stores some whole numbers as floating-point numbers.
func nameOf(values []any) string {
	var b strings.Builder
	for _, v := range values {
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			v = int64(f)
		}
		fmt.Fprintf(&b, "%T %q,", v, fmt.Sprint(v))
	}
	return b.String()
}
