package proof

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"firn/btree"
	"firn/btree/check"
	"firn/sqlite/inspect"
)

// comparison is the part of [Rules.Difference] that takes SQLite.
type comparison struct {
	rules        Rules
	older, later Image
	differing    [][2]int64
	most         int                 // see [most]
	inspection   *inspect.Inspection // of the later image
	files        [2]*btree.File
	pair         *btree.Pair // of the files; nil until rows are compared
	rows         map[string]*changes
	olderView    *inspect.Inspection // of the older image; nil until it is needed
	references   references
}

// ranges returns the ranges in which the images differ.
func (c *comparison) ranges(yield func(from, to int64) bool) {
	for _, r := range c.differing {
		if !yield(r[0], r[1]) {
			return
		}
	}
}

func (c *comparison) run(ctx context.Context) error {
	orders, unread := c.inspection.IndexOrders()
	found, err := check.Difference(ctx, c.older, c.later, c.ranges, check.Options{Workers: 1, Findings: inspect.Most, Orders: ordersOf(orders)})
	switch {
	case err != nil:
		return err
	case len(found.Findings) > 0:
		c.inspection.Found = texts(found)
		return nil
	case found.Full != "":
		return undecided(found.Full)
	case unread != nil: // SQLite does not take the schema
		return unread
	}
	if err := c.open(); err != nil {
		return err
	}
	if err := c.left(ctx, found); err != nil {
		return err
	}
	if c.rules.NoForeignKeys {
		return nil
	}
	return c.foreignKeys(ctx, found.Touched)
}

func ordersOf(orders map[string][]inspect.IndexOrder) map[string][]check.IndexOrder {
	all := map[string][]check.IndexOrder{}
	for name, columns := range orders {
		for _, o := range columns {
			all[name] = append(all[name], check.IndexOrder(o))
		}
	}
	return all
}

func (c *comparison) close() error {
	c.references.close()
	if c.olderView == nil {
		return nil
	}
	return c.olderView.Close()
}

// open opens both images without SQLite.
func (c *comparison) open() error {
	for side, image := range []Image{c.older, c.later} {
		f, err := btree.Open(image.Reader, image.Size)
		if err != nil {
			return unsure(err)
		}
		c.files[side] = f
	}
	return nil
}

// unsure returns that an error about the format of a file proves nothing: [check.Difference] has looked at these pages.
func unsure(err error) error {
	if errors.Is(err, btree.ErrFormat) {
		return undecided("rows that differ cannot be read: " + err.Error())
	}
	return err
}

// twin is the older image. Bytes that do not differ come from the later image, which is at hand.
type twin struct{ *comparison }

// ReadAt reads bytes of the older image.
func (t twin) ReadAt(b []byte, offset int64) (int, error) {
	end := offset + int64(len(b))
	n, _ := slices.BinarySearchFunc(t.differing, offset, func(r [2]int64, offset int64) int { return cmp.Compare(r[1], offset+1) })
	if end > t.later.Size || n < len(t.differing) && t.differing[n][0] < end {
		return t.older.Reader.ReadAt(b, offset)
	}
	return t.later.Reader.ReadAt(b, offset)
}
