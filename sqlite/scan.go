package sqlite

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"

	"firn/btree"
	"firn/sqlite/internal/capi"
)

// Scan reads all pages of the image once and hands them to observe, in order; a page is valid until observe returns. The image
// can be read afterwards, from its first byte on, in the same state. So a caller can compare the pages with others before it
// decides which ones it needs, and passes over the others with [Image.Skip]. Call Scan before the first Read.
//
// The transaction stays open from the scan to the end of the reading. A large database with a rollback journal is copied to
// TempDir for that, as for every reading of it.
func (i *Image) Scan(observe func(page []byte) error) error {
	if i.err != nil {
		return i.err
	}
	if i.pages != nil || i.before != nil {
		return errors.New("sqlite: internal error: an image is scanned before it is read")
	}
	if err := i.scan(observe); err != nil {
		if changed := i.changed(); changed != nil {
			err = changed
		}
		i.err = fmt.Errorf("read database %s: %w", i.name, err)
	}
	return i.err
}

func (i *Image) scan(observe func(page []byte) error) error {
	copied, err := i.copied()
	if err != nil {
		return err
	}
	count := btree.NewRowCounter(i.info.PageSize, i.info.PageCount)
	each := func(page []byte) error {
		count.Add(page)
		i.opts.Alive()
		return observe(page)
	}
	if copied != nil {
		err = copied.scan(i.info, each)
	} else {
		err = i.scanPages(each)
	}
	if err != nil {
		return errors.Join(err, copied.Close())
	}
	if i.tables != nil && count.Complete() {
		i.count(count)
	}
	if copied != nil {
		i.pages = copied
		return nil
	}
	r, err := i.conn.PageReader()
	i.pages = &sparse{PageReader: r, image: i}
	return err
}

// copied returns the copy of an image that holds its application up while it is read: the lock must not last for as long as
// another host takes to answer. It returns nil for an image that can be read twice where it is.
func (i *Image) copied() (*copiedPages, error) {
	if !i.opts.Compact && (i.still != nil || i.info.JournalMode == capi.WALMode) {
		if i.followed {
			i.opts.Follower.record.full(cmp.Or(i.cause, "asked"))
		}
		return nil, nil
	}
	pages, err := i.start()
	if err != nil {
		return nil, err
	}
	if copied, ok := pages.(*copiedPages); ok {
		return copied, nil
	}
	return nil, errors.Join(pages.Close(), errNoCopy) // it could be read under the lock alone
}

// errNoCopy is returned where a database would have to be locked for as long as the other side takes.
var errNoCopy = fmt.Errorf("%w: there is no room for a copy of it in the folder for temporary files", ErrHoldsUp)

// scanPages reads the pages in the open transaction, and leaves it open.
func (i *Image) scanPages(each func(page []byte) error) error {
	pages, err := i.conn.Pages(i.info.PageSize, i.info.PageCount, func() error { return nil })
	if err != nil {
		return err
	}
	defer pages.Close()
	for {
		if err := i.conn.Context().Err(); err != nil {
			return err
		}
		page, err := pages.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
}

// copiedPages delivers a copy of the database, in memory or in a file. To close it closes the file.
type copiedPages struct {
	*io.SectionReader
	file io.Closer // nil in memory
}

// scan reads the pages, and sets the reader to the first byte.
func (c *copiedPages) scan(info Info, each func(page []byte) error) error {
	page := make([]byte, info.PageSize)
	pages := bufio.NewReaderSize(c.SectionReader, spoolRun)
	for range info.PageCount {
		if _, err := io.ReadFull(pages, page); err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	_, err := c.Seek(0, io.SeekStart)
	return err
}

// skip passes over bytes.
func (c *copiedPages) skip(n int64) error {
	_, err := c.Seek(n, io.SeekCurrent)
	return err
}

// Close removes the copy. A nil copy is closed already.
func (c *copiedPages) Close() error {
	if c == nil || c.file == nil {
		return nil
	}
	return c.file.Close()
}
