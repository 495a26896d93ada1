package site

import (
	"context"
	"io"

	"firn/sqlite"
)

// OutsidePartial is a [sqlite.Partial] for functions that run on the thread of a site. Its data is outside of the site's
// folder, so its methods leave that thread for their work.
type OutsidePartial struct {
	sqlite.Partial
	Site *Site
}

// Complete calls Complete of the Partial, outside of the site.
func (p OutsidePartial) Complete(ctx context.Context, file io.WriterAt) error {
	return p.Site.Outside(func() error { return p.Partial.Complete(ctx, file) })
}

// Differing calls Differing of the Partial, outside of the site. The live database needs no rights there: its files are open.
func (p OutsidePartial) Differing(ctx context.Context, live io.Reader, file io.WriterAt) (ranges [][2]int64, err error) {
	err = p.Site.Outside(func() (err error) { ranges, err = p.Partial.Differing(ctx, live, file); return err })
	return ranges, err
}
