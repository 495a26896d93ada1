package sqlite

import (
	"fmt"
	"io"

	"firn/sqlite/internal/capi"
)

// pages reads all pages in order through the sqlite_dbpage table, within the connection's transaction.
type pages struct {
	stmt *capi.Stmt
	size int   // of a page
	left int64 // pages still to come
	end  func() error
	rest []byte // part of a page that did not fit into the last Read
	page []byte // buffer of rest
}

// newPages returns a reader of the database that info describes; end is called once after the last page.
func newPages(c *capi.Conn, info Info, end func() error) (*pages, error) {
	s, err := c.Prepare("SELECT data FROM sqlite_dbpage ORDER BY pgno")
	if err != nil {
		return nil, err
	}
	return &pages{stmt: s, size: info.PageSize, left: info.PageCount, end: end, page: make([]byte, info.PageSize)}, nil
}

// next returns the next page, valid until the call after, or io.EOF.
func (r *pages) next() ([]byte, error) {
	row, err := r.stmt.Step()
	if err != nil {
		return nil, err
	}
	if row != (r.left > 0) {
		return nil, fmt.Errorf("%w: the number of pages is not the one in its header (%d pages left)", ErrCorrupt, r.left)
	}
	if !row {
		return nil, io.EOF
	}
	r.left--
	page := r.stmt.Bytes(0)
	if len(page) != r.size {
		return nil, fmt.Errorf("%w: page of %d bytes, not %d", ErrCorrupt, len(page), r.size)
	}
	return page, nil
}

// Read delivers the pages as a stream.
func (r *pages) Read(p []byte) (int, error) {
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if n == len(p) {
		return n, nil
	}
	if r.stmt == nil {
		return n, io.EOF
	}
	if err := r.stmt.Context().Err(); err != nil {
		return n, err
	}
	for n < len(p) && r.left > 0 {
		page, err := r.next()
		if err != nil {
			return n, err
		}
		k := copy(p[n:], page)
		n += k
		r.rest = r.page[:copy(r.page, page[k:])]
	}
	if r.left > 0 {
		return n, nil
	}
	if err := r.finish(); err != nil {
		return 0, err // not n: a caller that reads exactly the image's bytes would miss the error
	}
	return n, nil
}

// finish ends the transaction at once: a consumer may take long to process the last bytes.
func (r *pages) finish() error {
	if _, err := r.next(); err != io.EOF {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	return r.end()
}

// Close frees the statement, and leaves the transaction open.
func (r *pages) Close() error {
	if r.stmt != nil {
		r.stmt.Finalize()
		r.stmt = nil
	}
	return nil
}

// pageReader reads single pages through the sqlite_dbpage table.
type pageReader struct{ *capi.Stmt }

func newPageReader(c *capi.Conn) (pageReader, error) {
	s, err := c.Prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?")
	return pageReader{s}, err
}

// page returns page n, valid until the next call; nil if the database does not have it.
func (r pageReader) page(n int64) ([]byte, error) {
	r.Reset()
	if err := r.BindNumber(1, n); err != nil {
		return nil, err
	}
	row, err := r.Step()
	if err != nil || !row {
		return nil, err
	}
	return r.Bytes(0), nil
}
