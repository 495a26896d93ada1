package capi

import (
	"fmt"
	"io"
)

// Pages reads all pages of a database in order, through the sqlite_dbpage table, within the connection's transaction.
type Pages struct {
	stmt *Stmt
	size int   // of a page
	left int64 // pages still to come
	end  func() error
	rest []byte // part of a page that did not fit into the last Read
	page []byte // buffer of rest
}

// Pages returns a reader of the database, which has count pages of size bytes; end is called once after the last page.
func (c *Conn) Pages(size int, count int64, end func() error) (*Pages, error) {
	s, err := c.Prepare("SELECT data FROM sqlite_dbpage ORDER BY pgno")
	if err != nil {
		return nil, err
	}
	return &Pages{stmt: s, size: size, left: count, end: end, page: make([]byte, size)}, nil
}

// Next returns the next page, valid until the following call, or io.EOF.
func (r *Pages) Next() ([]byte, error) {
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
func (r *Pages) Read(p []byte) (int, error) {
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
		page, err := r.Next()
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
func (r *Pages) finish() error {
	if _, err := r.Next(); err != io.EOF {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	return r.end()
}

// Ended reports whether the last page was read, or the reader was closed.
func (r *Pages) Ended() bool { return r.stmt == nil }

// Close frees the statement, and leaves the transaction open.
func (r *Pages) Close() error {
	if r.stmt != nil {
		r.stmt.Finalize()
		r.stmt = nil
	}
	return nil
}

// PageReader reads single pages through the sqlite_dbpage table. Finalize it before its connection is closed.
type PageReader struct{ *Stmt }

// PageReader returns a reader of single pages.
func (c *Conn) PageReader() (PageReader, error) {
	s, err := c.Prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?")
	return PageReader{s}, err
}

// Page returns page n, valid until the next call; nil if the database does not have it.
func (r PageReader) Page(n int64) ([]byte, error) {
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
