// Package rows finds a table of an image, and a row of it by its key.
//
// SQLite itself reads the image. So a word that stands for a key is converted by the affinity of its column and compared by the
// collation of that column, an index is used where there is one, and all kinds of tables are read as their application reads them.
// Names and values are those of a database that is not trusted: names stand in SQL as quoted identifiers, and values as parameters.
package rows

import (
	"context"
	"errors"
	"io"

	"firn/diff"
	"firn/sqlite"
)

// Image is a database over an image. It is not safe for concurrent use.
type Image struct {
	view *sqlite.View
}

// Open opens the database in the first size bytes of an image, which must not change. The context governs all reads. The caller
// closes the Image. Errors are those of [sqlite.OpenView].
func Open(ctx context.Context, image io.ReaderAt, size int64) (*Image, error) {
	view, err := sqlite.OpenView(ctx, image, size)
	if err != nil {
		return nil, err
	}
	return &Image{view}, nil
}

// Close closes the database. It does not close the image.
func (i *Image) Close() error { return i.view.Close() }

// LimitLength sets the length in bytes that a value or a row has at most. A longer one is [sqlite.ErrSQL].
func (i *Image) LimitLength(most int32) { i.view.LimitLength(most) }

// Row is a row of a table: its columns in the order of the definition, without those that are computed when they are read.
type Row []diff.Field

// ErrSeveral is returned for a key that several rows of a table have.
var ErrSeveral = errors.New("several rows have this key")

// Row returns the row of a table with a key, nil if there is none. It fails with [ErrKey] if the table has no such key, and with
// [ErrSeveral].
func (i *Image) Row(t *Table, k Key) (Row, error) {
	query, args, err := t.lookup(k)
	if err != nil {
		return nil, err
	}
	var found []Row
	err = i.view.Each(query, args, func(values []any) error {
		row := make(Row, len(values))
		for n, c := range t.shown() {
			row[n] = diff.Field{Name: c.Name, Value: values[n]}
		}
		found = append(found, row)
		return nil
	})
	switch {
	case err != nil || len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, ErrSeveral
	}
	return found[0], nil
}
