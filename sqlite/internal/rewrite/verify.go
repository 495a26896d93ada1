package rewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"firn/sqlite/internal/capi"
)

// verify compares the restored database with the image, through a connection of its own that does not remember what
// was written. It compares the given pages, or all if none are given. When another process has written meanwhile (the
// data version has changed) or has locked the database, there is nothing left to compare with; the transaction was
// complete.
func (t *target) verify(version int64, numbers []int64) error {
	// The restore is done: a cancelled context must not make it look like a failure.
	c, err := Connect(context.WithoutCancel(t.Context()), t.path, t.timeout)
	if errors.Is(err, capi.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	err = errors.Join(compare(c, t, numbers), c.Close())
	if !errors.Is(err, ErrDiffers) {
		return err
	}
	now, e := t.Number("PRAGMA data_version")
	if e != nil {
		return errors.Join(err, e)
	}
	if now != version {
		return nil
	}
	return err
}

// compare reads the database in one transaction.
func compare(c *capi.Conn, t *target, numbers []int64) error {
	if err := c.Exec("BEGIN"); err != nil {
		return err
	}
	var shape capi.Shape
	err := c.Retry(t.timeout, func() (err error) { shape, err = c.Shape(); return err })
	if err != nil {
		return err
	}
	if shape.PageCount != t.src.Pages || shape.PageSize != t.src.PageSize {
		return fmt.Errorf("%w: %d pages of %d bytes, not %d of %d", ErrDiffers,
			shape.PageCount, shape.PageSize, t.src.Pages, t.src.PageSize)
	}
	if numbers == nil {
		return compareAll(c, t.src, shape)
	}
	return compareSome(c, t.src, numbers)
}

func compareAll(c *capi.Conn, src *Image, shape capi.Shape) error {
	pages, err := c.Pages(shape.PageSize, shape.PageCount, func() error { return nil })
	if err != nil {
		return err
	}
	defer pages.Close()
	for n := int64(1); n <= shape.PageCount; n++ {
		page, err := pages.Next()
		if err != nil {
			return err
		}
		if err := comparePage(c, src, n, page); err != nil {
			return err
		}
	}
	return nil
}

func compareSome(c *capi.Conn, src *Image, numbers []int64) error {
	pages, err := c.PageReader()
	if err != nil {
		return err
	}
	defer pages.Finalize()
	for _, n := range numbers {
		page, err := pages.Page(n)
		if err != nil {
			return err
		}
		if err := comparePage(c, src, n, page); err != nil {
			return err
		}
	}
	return nil
}

func comparePage(c *capi.Conn, src *Image, n int64, page []byte) error {
	want, err := src.page(c, n)
	if err != nil {
		return err
	}
	equal := bytes.Equal(page, want)
	if n == 1 && len(page) == len(want) {
		equal = sameFirst(page, mergeHeader(want, page, src.Pages))
	}
	if !equal && n != capi.LockPage(src.PageSize) {
		return fmt.Errorf("%w: in page %d", ErrDiffers, n)
	}
	return nil
}
