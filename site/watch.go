package site

import (
	"context"
	"errors"
	"time"

	"firn/sqlite"
)

// Watch notices commits of applications to a target. It has a site of its own, since it may end while the target's site is
// at work.
type Watch struct {
	watch *sqlite.Watch
	site  *Site
}

// NewWatch begins to watch the database at a path. It waits up to the timeout for the locks of other processes. The caller
// ends the watch.
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

// End ends the watch and reports whether no application has committed since its beginning.
func (w *Watch) End() (untouched bool, err error) {
	err = w.site.Do(func() (err error) {
		untouched, err = w.watch.Unchanged()
		return errors.Join(err, w.watch.Close())
	})
	return untouched, errors.Join(err, w.site.Close())
}
