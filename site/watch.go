package site

import (
	"context"
	"errors"
	"time"

	"firn/sqlite"
)

// Watch tells whether anybody commits to a target. It has a site of its own, since it is ended while the target's
// is at work.
type Watch struct {
	watch *sqlite.Watch
	site  *Site
}

// NewWatch begins to watch the database at a path. The caller ends the watch. The timeout is for other users' locks.
func NewWatch(ctx context.Context, path string, timeout time.Duration) (*Watch, error) {
	at, err := Reach(path)
	if err != nil {
		return nil, err
	}
	w := &Watch{site: at}
	err = at.At(func(path string) (err error) { w.watch, err = sqlite.NewWatch(ctx, path, timeout); return err })
	if err != nil {
		return nil, errors.Join(err, at.Close())
	}
	return w, nil
}

// End ends the watch and reports whether nothing was committed since it began.
func (w *Watch) End() (untouched bool, err error) {
	err = w.site.Do(func() (err error) {
		untouched, err = w.watch.Unchanged()
		return errors.Join(err, w.watch.Close())
	})
	return untouched, errors.Join(err, w.site.Close())
}
