package s3

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// List asks for the objects page by page, 1000 on each. Keys that cannot be
// objects of ours, such as those of other programs, are left out.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		l := &listing{store: s, prefix: prefix, yield: yield}
		if err := l.run(ctx); err != nil && !l.stopped {
			yield(store.Object{}, fmt.Errorf("list %s of %s: %w", prefix, s.opts.Location, err))
		}
	}
}

// listing is one loop over a listing.
type listing struct {
	store   *Store
	prefix  string
	yield   func(store.Object, error) bool
	last    string // the last key seen
	stopped bool   // by the loop's body
}

func (l *listing) run(ctx context.Context) error {
	if err := store.CheckPrefix(l.prefix); err != nil {
		return err
	}
	_, err := retry(ctx, l.store, func() (none, error) { return none{}, l.pages(ctx) })
	return err
}

// pages lists from behind the last key on: what was there before the listing
// began is seen even if a page had to be asked for again.
func (l *listing) pages(ctx context.Context) error {
	noOwner := false
	opts := minio.ListObjectsOptions{Prefix: l.store.key(l.prefix), Recursive: true, StartAfter: l.last, FetchOwner: &noOwner}
	for info := range l.store.core.ListObjectsIter(ctx, l.store.bucket, opts) {
		if info.Err != nil {
			return info.Err
		}
		l.last = info.Key
		name, ok := strings.CutPrefix(info.Key, l.store.prefix)
		if !ok || store.CheckName(name) != nil {
			continue
		}
		if !l.yield(store.Object{Name: name, Size: info.Size, Time: info.LastModified}, nil) {
			l.stopped = true
			return nil
		}
	}
	return ctx.Err() // then the client ends without a word
}
