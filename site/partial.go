package site

import (
	"context"
	"io"

	"firn/sqlite"
)

// OutsidePartial is a [sqlite.Partial] that is used by a function on the thread of a site, and whose data is elsewhere.
type OutsidePartial struct {
	sqlite.Partial
	Site *Site
}

// Complete is that of the Partial.
func (p OutsidePartial) Complete(ctx context.Context, file io.WriterAt) error {
	return p.Site.Outside(func() error { return p.Partial.Complete(ctx, file) })
}

// Differing is that of the Partial. What it reads of the live database is read from files that are open.
func (p OutsidePartial) Differing(ctx context.Context, live io.Reader, file io.WriterAt) (ranges [][2]int64, err error) {
	err = p.Site.Outside(func() (err error) { ranges, err = p.Partial.Differing(ctx, live, file); return err })
	return ranges, err
}
