package cmd

import (
	"context"
	"errors"
	"time"

	"firn/sqlite"
)

// targetWatch tells whether anybody commits to a target. It has a site of its own, since it is ended while the target's
// is at work.
type targetWatch struct {
	watch *sqlite.Watch
	site  *site
}

func newTargetWatch(ctx context.Context, path string, timeout time.Duration) (*targetWatch, error) {
	at, err := reachSite(path)
	if err != nil {
		return nil, err
	}
	w := &targetWatch{site: at}
	err = at.at(func(path string) (err error) { w.watch, err = sqlite.NewWatch(ctx, path, timeout); return err })
	if err != nil {
		return nil, errors.Join(err, at.close())
	}
	return w, nil
}

// end ends the watch and reports whether nothing was committed since it began.
func (w *targetWatch) end() (untouched bool, err error) {
	err = w.site.do(func() (err error) {
		untouched, err = w.watch.Unchanged()
		return errors.Join(err, w.watch.Close())
	})
	return untouched, errors.Join(err, w.site.close())
}
