package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// List asks for the objects page by page, 1000 on each. It skips keys that cannot be
// objects of firn, such as those of other programs.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		l := &listing{store: s, prefix: prefix, yield: yield, end: time.Now().Add(listWait)}
		if err := l.run(ctx); err != nil && !l.stopped {
			yield(store.Object{}, fmt.Errorf("list %s of %s: %w", prefix, s.name(), err))
		}
	}
}

const (
	// listWait is how long a listing may take: a million keys, of 250 bytes each, from a
	// server that sends 100 KB a second.
	listWait = time.Hour
	// maxKeys is how many keys a listing may show, including those of other programs.
	maxKeys = 1 << 22
	// Servers may send short pages, or an empty page now and then. But a listing of more
	// than freePages pages must have keysPerPage keys on each page on average. Otherwise
	// it would never end, and fails.
	freePages   = 100
	keysPerPage = 10
)

var (
	errEndless  = fmt.Errorf("%w: its listing does not end", store.ErrProtocol)
	errDisorder = fmt.Errorf("%w: it does not list keys in order", store.ErrProtocol)
)

// listing is one loop over a listing.
type listing struct {
	store   *Store
	prefix  string
	yield   func(store.Object, error) bool
	last    string // the last key seen
	name    string // the last name yielded
	resumed bool   // some keys may come again
	stopped bool   // by the loop's body
	keys    int
	pages   int
	end     time.Time
}

// pageCounter is the key of the listing in the context of its requests.
type pageCounter struct{}

// countPage counts a request for a page of a listing, and returns an error if the
// listing has asked for too many.
func countPage(r *http.Request) error {
	l, ok := r.Context().Value(pageCounter{}).(*listing)
	if !ok {
		return nil
	}
	if l.pages++; l.pages > freePages+l.keys/keysPerPage || l.keys > maxKeys {
		return errEndless
	}
	return nil
}

func (l *listing) run(ctx context.Context) error {
	if err := store.CheckPrefix(l.prefix); err != nil {
		return err
	}
	_, err := retry(ctx, l.store, func() (none, error) { return none{}, l.list(ctx) })
	return err
}

// list lists under the listing's deadline.
func (l *listing) list(outer context.Context) error {
	ctx, cancel := context.WithDeadline(context.WithValue(outer, pageCounter{}, l), l.end)
	defer cancel()
	err := l.readPages(ctx)
	if errors.Is(err, errEndless) || err != nil && ctx.Err() != nil && outer.Err() == nil {
		return errEndless // without the client's message, which contains the token
	}
	l.resumed = l.last != ""
	return err
}

// readPages lists the keys after the last one seen. So even if a page had to be
// requested again, the listing shows every object that existed before it began.
func (l *listing) readPages(ctx context.Context) error {
	noOwner := false
	opts := minio.ListObjectsOptions{Prefix: l.store.key(l.prefix), Recursive: true, StartAfter: l.last, FetchOwner: &noOwner}
	for info := range l.store.core.ListObjectsIter(ctx, l.store.bucket, opts) {
		if info.Err != nil {
			return info.Err
		}
		l.last = info.Key
		l.keys++
		name, ok := strings.CutPrefix(info.Key, l.store.prefix)
		if !ok || store.CheckName(name) != nil {
			continue
		}
		if name <= l.name {
			if l.resumed {
				continue
			}
			return errDisorder
		}
		l.name = name
		if !l.yield(store.Object{Name: name, Size: info.Size, Time: info.LastModified}, nil) {
			l.stopped = true
			return nil
		}
	}
	return ctx.Err() // a cancelled listing ends without an error of the client
}
