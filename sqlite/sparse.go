package sqlite

import (
	"fmt"
	"io"

	"firn/btree"
	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
)

// worthwhile limits a sparse reading: at most one page in so many may have changed. Pages are read in order faster
// than one by one.
const worthwhile = 4

// Changed returns ranges of bytes, each from the first up to the second number, in order. Outside of the ranges the
// image is certain to be the same as when old was taken. It reports false where that is not known, or a full reading
// is as fast: the follower has lost track, or without a follower: the WAL was reset since, there is no WAL, or the file
// of [Options.StatePath] does not belong to old. If it reports true, [Image.Skip] can be called. Call Changed before the
// first Read.
func (i *Image) Changed(old Fingerprint) ([][2]int64, bool) {
	switch {
	case i.opts.Compact || i.pages != nil:
		return nil, false
	case i.print.WAL == nil:
		i.cause = "no-wal"
		return nil, false
	case i.tables == nil:
		i.cause = "schema"
		return nil, false
	}
	changed, before := i.changes(old)
	switch {
	case changed == nil:
		return nil, false
	case before == nil || before.PageSize() != i.info.PageSize || before.PageCount() < changed.Smallest():
		i.cause = "counter"
		return nil, false
	case changed.Count() > i.info.PageCount/worthwhile:
		i.cause = "many"
		return nil, false
	}
	i.before = before
	return changed.Ranges(i.info.PageSize), true
}

// changes returns the pages that have changed since old, and the row counter of then; nil for changes that are not known.
func (i *Image) changes(old Fingerprint) (changed *follow.Pages, before *btree.RowCounter) {
	if i.followed {
		if changed, before, i.cause = i.opts.Follower.known(old); changed != nil {
			if before == nil {
				before, _ = i.loadCounter(old)
			}
			return changed, before
		}
	}
	if !i.continues(old) {
		return nil, nil
	}
	before, err := i.loadCounter(old)
	if err != nil {
		return nil, nil
	}
	return i.appended(old), before
}

// continues reports whether the WAL may be that of an older image, with few frames more, beside a file that was not written.
func (i *Image) continues(old Fingerprint) bool {
	return old.WAL != nil && i.print.sameFile(old) && int64(i.print.WAL.Frames)-int64(old.WAL.Frames) <= i.info.PageCount
}

// appended returns the pages with frames since an image that may be of another process; nil if they are not known. Only a WAL
// that was appended to, beside a file that was not written, shows them.
func (i *Image) appended(old Fingerprint) *follow.Pages {
	if !i.continues(old) {
		return nil
	}
	frames, err := framesOf(i.conn)
	if err != nil {
		return nil
	}
	defer i.conn.Free(frames.Buffer)
	changed, err := frames.Since(follow.Header(*old.WAL), follow.Header(*i.print.WAL))
	if err != nil {
		return nil
	}
	return changed
}

// loadCounter reads the row counter of the image with a fingerprint.
func (i *Image) loadCounter(print Fingerprint) (before *btree.RowCounter, err error) {
	err = i.opts.Outside(func() (err error) {
		before, err = loadCounter(i.opts.StatePath, print, i.info.PageSize)
		return err
	})
	return before, err
}

// Skip passes over the next n bytes, all of which must lie outside of the ranges of [Image.Changed]. After [Image.Scan] it
// passes over any bytes.
func (i *Image) Skip(n int64) error {
	if i.err != nil {
		return i.err
	}
	if err := i.skip(n); err != nil {
		i.err = fmt.Errorf("read database %s: %w", i.name, err)
	}
	return i.err
}

func (i *Image) skip(n int64) error {
	if i.pages == nil {
		pages, err := i.start()
		if err != nil {
			return err
		}
		i.deliver(pages)
	}
	pages, ok := i.pages.(interface{ skip(n int64) error })
	if !ok || n < 0 {
		return fmt.Errorf("internal error: cannot skip %d bytes", n)
	}
	return pages.skip(n)
}

// sparse reads single pages in order, within the connection's transaction.
type sparse struct {
	capi.PageReader
	image   *Image
	next    int64 // offset of the next byte to deliver
	page    []byte
	number  int64             // of page; 0 before the first
	counter *btree.RowCounter // of the pages up to number; nil if the rows were counted before
}

func (i *Image) sparse() (io.ReadCloser, error) {
	r, err := i.conn.PageReader()
	if err != nil {
		return nil, err
	}
	return &sparse{PageReader: r, image: i, counter: i.before.Next(i.info.PageCount)}, nil
}

// Read delivers bytes of as many pages as needed.
func (s *sparse) Read(p []byte) (int, error) {
	info, n := s.image.info, 0
	for n < len(p) && s.next < info.Size {
		if err := s.load(s.next/int64(info.PageSize) + 1); err != nil {
			return n, err
		}
		k := copy(p[n:], s.page[s.next%int64(info.PageSize):])
		n, s.next = n+k, s.next+int64(k)
	}
	if s.next < info.Size {
		return n, nil
	}
	if s.Stmt == nil && n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	if err := s.finish(); err != nil {
		return 0, err
	}
	return n, nil
}

// load reads a page, unless it is the page that was read last.
func (s *sparse) load(number int64) error {
	if number == s.number {
		return nil
	}
	if err := s.Context().Err(); err != nil {
		return err
	}
	page, err := s.PageReader.Page(number)
	if err != nil {
		return err
	}
	if len(page) != s.image.info.PageSize {
		return fmt.Errorf("%w: page %d of %d bytes, not %d", ErrCorrupt, number, len(page), s.image.info.PageSize)
	}
	s.page, s.number = append(s.page[:0], page...), number
	if s.counter != nil {
		s.counter.Skip(number - 1)
		s.counter.Add(page)
	}
	return nil
}

func (s *sparse) skip(n int64) error {
	if n > s.image.info.Size-s.next {
		return fmt.Errorf("internal error: cannot skip %d bytes", n)
	}
	s.next += n
	if s.next < s.image.info.Size {
		return nil
	}
	return s.finish()
}

// finish ends the transaction at once: a consumer may take long to process the last bytes.
func (s *sparse) finish() error {
	if s.Stmt == nil {
		return nil
	}
	s.Close()
	if err := s.image.last(); err != nil {
		return err
	}
	if s.counter != nil {
		s.counter.Skip(s.image.info.PageCount)
		s.image.before = nil // for the memory
		s.image.count(s.counter)
	}
	return nil
}

// Close frees the statement, and leaves the transaction open.
func (s *sparse) Close() error {
	if s.Stmt != nil {
		s.Finalize()
		s.Stmt = nil
	}
	return nil
}
