package sqlite

import (
	"fmt"
	"io"

	"firn/sqlite/internal/capi"
)

// Hold asks for [Image.ReadAt] after the last Read. For that the transaction stays open in WAL mode, where it keeps nobody from
// writing, until [Image.Release]. Call it before the first Read.
func (i *Image) Hold() { i.hold = true }

// Held reports, after the last Read, whether ReadAt can be used: it cannot where a transaction would keep the application from
// committing, or where nothing keeps the database from being written.
func (i *Image) Held() bool {
	if i.err != nil && i.err != io.EOF {
		return false
	}
	_, copied := i.pages.(*copiedPages)
	return copied || i.kept && i.conn != nil
}

// ReadAt reads bytes of an image that is held.
func (i *Image) ReadAt(p []byte, offset int64) (n int, err error) {
	if copied, ok := i.pages.(*copiedPages); ok {
		return copied.ReadAt(p, offset)
	}
	if !i.Held() {
		return 0, fmt.Errorf("read database %s: internal error: the image is not held", i.name)
	}
	if i.again.Stmt == nil {
		if i.again, err = i.conn.PageReader(); err != nil {
			return 0, fmt.Errorf("read database %s: %w", i.name, err)
		}
	}
	if offset < 0 {
		return 0, fmt.Errorf("read database %s: internal error: offset %d", i.name, offset)
	}
	i.opts.Alive()
	for n < len(p) && offset+int64(n) < i.info.Size {
		k, err := i.readPage(p[n:], offset+int64(n))
		if err != nil {
			return n, fmt.Errorf("read database %s: %w", i.name, err)
		}
		n += k
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readPage reads bytes of one page.
func (i *Image) readPage(p []byte, offset int64) (int, error) {
	size := int64(i.info.PageSize)
	page, err := i.again.Page(offset/size + 1)
	if err == nil && len(page) != i.info.PageSize {
		err = fmt.Errorf("%w: page %d of %d bytes, not %d", ErrCorrupt, offset/size+1, len(page), size)
	}
	if err != nil {
		return 0, err
	}
	return copy(p, page[offset%size:]), nil
}

// last is called after the last page was read.
func (i *Image) last() error {
	if i.hold && i.still == nil && !i.opts.Compact && i.info.JournalMode == capi.WALMode {
		i.kept = true
		return nil
	}
	return i.end()
}

// Release ends what Hold has asked for.
func (i *Image) Release() error {
	if !i.kept {
		return nil
	}
	if err := i.end(); err != nil {
		return fmt.Errorf("close database %s: %w", i.name, err)
	}
	return nil
}
