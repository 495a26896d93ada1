// Package inspect asks SQLite what is wrong with an image that nothing is written to: its integrity, as a whole or table
// by table, and its foreign keys.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"

	"firn/sqlite/internal/capi"
)

// Most is how many findings of one kind are collected.
const Most = 20

// Inspection is an image as SQLite sees it, and what was found out about it. It is for one goroutine at a time.
type Inspection struct {
	// Found is what is wrong, in the words of SQLite.
	Found []string
	// Missed is what could not be looked at, because only the application's SQLite has something that it takes, such as a
	// collation or a tokenizer, or because this version of SQLite cannot parse a definition.
	Missed []string

	recorder *recorder
	fs       *capi.ImageFS
	conn     *capi.Conn
	unparsed error // a definition that the connection passes over

	described map[string]*Table // by name in lower case
}

// Open opens the database in the first size bytes of an image. The caller closes the inspection. SQLite reads the image
// through a file system of firn's, because it does not tell all errors of a disk from damage of the database:
// integrity_check makes a finding of each page that it cannot get, and EIO comes out of a statement as SQLITE_CORRUPT.
// The database is not trusted: expressions in its schema run only harmless functions.
func Open(ctx context.Context, image io.ReaderAt, size int64) (*Inspection, error) {
	r := &recorder{image: image}
	fs, err := capi.Mount(r, size)
	if err != nil {
		return nil, err
	}
	c, err := capi.OpenWhole(ctx, fs)
	if err != nil {
		return nil, errors.Join(err, fs.Unmount())
	}
	i := &Inspection{recorder: r, fs: fs, conn: c, described: map[string]*Table{}}
	c.ForbidAttach() // so that every name is one of this image
	if i.unparsed = c.PassUnparsed(); i.unparsed != nil {
		i.Missed = append(i.Missed, i.unparsed.Error())
	}
	if err := errors.Join(c.DistrustSchema(), c.Exec("PRAGMA query_only = 1; PRAGMA automatic_index = 0")); err != nil {
		return nil, errors.Join(i.Judge(err), i.Close())
	}
	return i, nil
}

// Judge returns the error of a method. It is [capi.ErrIO], and wraps the image's error, if the image could not be read
// meanwhile, whatever SQLite says or found.
func (i *Inspection) Judge(err error) error {
	if failed := i.recorder.err; failed != nil {
		return fmt.Errorf("%w: %w", capi.ErrIO, failed)
	}
	return err
}

// recorder keeps the first error of reading an image: SQLite may go on after it.
type recorder struct {
	image io.ReaderAt
	err   error
}

// ReadAt reads the image.
func (r *recorder) ReadAt(b []byte, offset int64) (int, error) {
	n, err := r.image.ReadAt(b, offset)
	if n < len(b) && r.err == nil {
		r.err = fmt.Errorf("read image at %d: %w", offset, err)
	}
	return n, err
}

// Close closes the database. It does not close the image.
func (i *Inspection) Close() error { return errors.Join(i.conn.Close(), i.fs.Unmount()) }

// Size returns how many bytes the pages of the database take.
func (i *Inspection) Size() (int64, error) {
	pages, err := i.conn.Number("PRAGMA page_count")
	if err != nil {
		return 0, err
	}
	size, err := i.conn.Number("PRAGMA page_size")
	return pages * size, err
}

// Tables returns the names of the tables with rows of their own, sorted, without those of SQLite itself.
func (i *Inspection) Tables() (names []string, err error) {
	err = i.conn.Rows(`SELECT name FROM sqlite_schema
		WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`, func(s *capi.Stmt) {
		names = append(names, s.Text(0))
	})
	return names, err
}

// miss notes an error that only says that something could not be looked at, and returns any other error.
func (i *Inspection) miss(what string, err error) error {
	if !CannotLook(err) {
		return err
	}
	i.Missed = append(i.Missed, what+err.Error())
	return nil
}

// CannotLook reports whether an error is about what a statement needs, such as a function of the application. Other errors, even of temporary files, are
// about the machine, and no finding.
func CannotLook(err error) bool {
	failed, ok := errors.AsType[*capi.Failure](err)
	return ok && failed.Primary() == capi.Error
}
