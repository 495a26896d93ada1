package rewrite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"firn/sqlite/internal/capi"
)

// errNoDelta is returned when the pages of the live database and of the image do not correspond.
var errNoDelta = errors.New("no delta restore possible")

// delta writes the pages in which the live database differs from the image, in one transaction, through the
// sqlite_dbpage table. Where that is not possible it returns errNoDelta, with no transaction open.
func (t *target) delta() (Result, error) {
	err := t.Retry(t.timeout, func() error { return t.Exec("BEGIN IMMEDIATE") })
	if err != nil {
		return Result{}, err
	}
	d := difference{target: t}
	err = d.find()
	if err == nil && !d.none() {
		err = d.write()
	}
	if err != nil || d.none() {
		return Result{}, errors.Join(err, t.Exec("ROLLBACK"))
	}
	version, err := t.commit()
	if err != nil {
		return Result{}, err
	}
	if err := t.verify(version, d.pages); err != nil {
		return Result{}, err
	}
	return Result{Pages: int64(len(d.pages))}, nil
}

// commit ends the transaction and returns the data version. By it verify tells whether another connection has written
// since.
func (t *target) commit() (int64, error) {
	version, err := t.Number("PRAGMA data_version")
	if err == nil {
		// Busy means that a database with a rollback journal still has readers.
		err = t.Retry(t.timeout, func() error { return t.Exec("COMMIT") })
	}
	if err != nil {
		return 0, errors.Join(err, t.Exec("ROLLBACK"))
	}
	return version, nil
}

// difference lists what has to be written. It is found under the write lock.
type difference struct {
	*target
	reader capi.PageReader // of the live database
	live   []byte          // its page 1
	count  int64           // its pages
	first  []byte          // page 1 after the restore
	pages  []int64
}

// none reports whether the database is equal to the image already.
func (d *difference) none() bool { return len(d.pages) == 0 && d.count == d.src.Pages }

func (d *difference) find() error {
	shape, err := d.Shape()
	if err != nil {
		return err
	}
	const full = 1 // the commit would move pages around, by page numbers that are no longer right
	vacuum, err := d.Number("PRAGMA auto_vacuum")
	if err != nil {
		return err
	}
	if shape.PageCount == 0 || shape.PageSize != d.src.PageSize || vacuum == full {
		return errNoDelta
	}
	d.count = shape.PageCount
	if d.reader, err = d.PageReader(); err != nil {
		return err
	}
	defer d.reader.Finalize()
	if err := d.findFirst(); err != nil {
		return err
	}
	if err := d.locked(); err != nil { // before findRanges: Partial may rely on the pages that the callback reads
		return err
	}
	ranges, err := d.findRanges(shape)
	if err != nil {
		return err
	}
	return d.compare(ranges)
}

// findFirst looks at page 1.
func (d *difference) findFirst() error {
	live, err := d.reader.Page(1)
	if err != nil {
		return err
	}
	want, err := d.src.page(d.Conn, 1)
	if err != nil {
		return err
	}
	d.live, d.first = bytes.Clone(live), mergeHeader(want, live, d.src.Pages)
	if live[20] != d.src.Reserved {
		return errNoDelta
	}
	return nil
}

// findRanges returns the ranges outside of which the live database is equal to the image. It completes the first and
// the last page of each range in the image file: the missing part of such a page is the same in both.
func (d *difference) findRanges(shape capi.Shape) ([][2]int64, error) {
	pages, err := d.Pages(shape.PageSize, shape.PageCount, func() error { return nil })
	if err != nil {
		return nil, err
	}
	defer pages.Close()
	ranges, err := d.partial.Differing(d.Context(), pages, d.src)
	if err != nil {
		return nil, err
	}
	size := int64(d.src.PageSize)
	for _, r := range crossing(ranges, size) {
		live, err := d.reader.Page(r[0]/size + 1)
		if err == nil && live == nil {
			err = fmt.Errorf("%w: page %d is gone", capi.ErrCorrupt, r[0]/size+1)
		}
		if err != nil {
			return nil, err
		}
		if _, err := d.src.WriteAt(live[r[0]%size:][:r[1]-r[0]], r[0]); err != nil {
			return nil, err
		}
	}
	d.src.forget()
	return ranges, nil
}

// compare lists the differing pages, page 1 last.
func (d *difference) compare(ranges [][2]int64) error {
	size := int64(d.src.PageSize)
	next := int64(2)
	for _, r := range ranges {
		for n := max(next, r[0]/size+1); (n-1)*size < r[1]; n++ {
			if err := d.findPage(n); err != nil {
				return err
			}
			next = n + 1
		}
	}
	// Page 1 is part of every change, because the pager counts changes there.
	if len(d.pages) > 0 || d.count != d.src.Pages || !sameFirst(d.live, d.first) {
		d.add(1)
	}
	return nil
}

// findPage adds a page if it differs.
func (d *difference) findPage(n int64) error {
	if n > d.count {
		d.add(n)
		return nil
	}
	if d.Context().Err() != nil { // SQLite forgets an interrupt between two statements
		return context.Cause(d.Context())
	}
	live, err := d.reader.Page(n)
	if err != nil {
		return err
	}
	want, err := d.src.page(d.Conn, n)
	if err != nil {
		return err
	}
	if !bytes.Equal(live, want) {
		d.add(n)
	}
	return nil
}

func (d *difference) add(n int64) {
	if n != capi.LockPage(d.src.PageSize) {
		d.pages = append(d.pages, n)
	}
}

// mergeHeader returns page 1 of the image as it is to be written over the live page. The live database keeps its
// journal mode, and its change counter, which the pager raises. For now it keeps its schema cookie too: with another
// cookie, the next statement of this transaction would read the schema through pages that SQLite had parsed before
// they were replaced.
func mergeHeader(image, live []byte, pages int64) []byte {
	merged := bytes.Clone(image)
	for _, field := range [][2]int{{18, 20}, {24, 28}, {40, 44}} {
		copy(merged[field[0]:field[1]], live[field[0]:])
	}
	binary.BigEndian.PutUint32(merged[28:], uint32(pages))
	return merged
}

// sameFirst compares two versions of page 1, but for the fields that SQLite writes at each commit.
func sameFirst(a, b []byte) bool {
	return bytes.Equal(a[:92], b[:92]) && bytes.Equal(a[capi.HeaderLen:], b[capi.HeaderLen:])
}

// write puts the pages into the open transaction. The order of its steps matters.
func (d *difference) write() error {
	if err := capi.NeedSpace(filepath.Dir(d.path), int64(len(d.pages))*int64(d.src.PageSize)); err != nil {
		return err
	}
	insert, err := d.Prepare("INSERT INTO sqlite_dbpage (pgno, data) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer insert.Finalize()
	if err := d.insert(insert); err != nil {
		return err
	}
	if d.src.Pages < d.count {
		// The last write through sqlite_dbpage: a later write would cancel it.
		if err := truncate(insert, d.src.Pages+1); err != nil {
			return err
		}
	}
	// Other connections read the schema again only when they meet a new cookie. mergeHeader says why it is not
	// written earlier.
	cookie := max(binary.BigEndian.Uint32(d.live[40:]), d.src.Cookie) + 1
	return d.Exec(fmt.Sprintf("PRAGMA schema_version = %d", int32(cookie)))
}

func (d *difference) insert(insert *capi.Stmt) error {
	first := d.Alloc(d.src.PageSize)
	defer d.Free(first)
	copy(first, d.first)
	for _, n := range d.pages {
		if d.Context().Err() != nil { // SQLite forgets an interrupt between two statements
			return context.Cause(d.Context())
		}
		page := first
		if n > 1 {
			var err error
			if page, err = d.src.page(d.Conn, n); err != nil {
				return err
			}
		}
		if err := put(insert, n, page); err != nil {
			return fmt.Errorf("write page %d: %w", n, err)
		}
	}
	return nil
}

// put runs the insert statement for one page.
func put(s *capi.Stmt, n int64, page []byte) error {
	if err := errors.Join(s.BindNumber(1, n), s.BindBytes(2, page)); err != nil {
		return err
	}
	return s.Run()
}

// truncate removes page n and all after it.
func truncate(insert *capi.Stmt, n int64) error {
	if err := errors.Join(insert.BindNumber(1, n), insert.BindNull(2)); err != nil {
		return err
	}
	return insert.Run()
}
