package repo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"firn/snapshot"
)

// objectReads is how many objects are read at a time: this hides a far store's delay, and
// keeps the processors busy with cached objects.
const objectReads = 8

// obtained is an object that was read and opened.
type obtained[T any] struct {
	value  T
	object []byte // as it came from the store; nil if it was cached
	err    error
}

// read reads a whole write-once object and opens it: from the cache, or, if it is
// not there or does not open, from the store. Only objects that open are cached.
func read[T any](ctx context.Context, r *Repo, name string, open func([]byte) (T, error)) (T, error) {
	f := fetch(ctx, r, name, open)
	keep(r, name, f)
	return f.value, f.err
}

// fetch is read without caching: any number of it may run at a time.
func fetch[T any](ctx context.Context, r *Repo, name string, open func([]byte) (T, error)) (f obtained[T]) {
	if b, ok := r.cache.Get(name); ok {
		if f.value, f.err = open(b); f.err == nil {
			return f
		}
	}
	var none T
	if f.object, f.err = whole(ctx, r.store, name); f.err != nil {
		f.value, f.err = none, fmt.Errorf("read %s: %w", name, f.err)
		return f
	}
	if f.value, f.err = open(f.object); f.err != nil {
		f.object = nil // else many foreign objects would be in memory until all were read
	}
	return f
}

func keep[T any](r *Repo, name string, f obtained[T]) {
	if f.err == nil && f.object != nil {
		r.cache.Put(name, f.object)
	}
}

// readAll reads objects as read does, several at a time, and calls each with the results, in
// the order of the names. It ends early with ctx, and for no other reason.
func readAll[T any](ctx context.Context, r *Repo, names []string,
	open func(d *snapshot.Decoder, name string, object []byte) (T, error), each func(name string, value T, err error)) error {
	all := make([]obtained[T], len(names))
	var decoders [objectReads]snapshot.Decoder
	err := spread(ctx, len(names), func(worker, i int) {
		all[i] = fetch(ctx, r, names[i], func(b []byte) (T, error) { return open(&decoders[worker], names[i], b) })
	})
	if err != nil {
		return err
	}
	for i, f := range all {
		keep(r, names[i], f)
		each(names[i], f.value, f.err)
	}
	return nil
}

// spread calls do for every i below n, several at a time, each worker one after the
// other. It ends early with ctx.
func spread(ctx context.Context, n int, do func(worker, i int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range min(objectReads, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(worker, i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// remembered holds the decoded contents of objects, by their names: a run that backs up a
// thousand environments lists the repository a thousand times. A content holds for the very
// bytes in memory that were opened, and for no others that the cache or the store may have
// under the name. It is safe for concurrent use.
type remembered[T any] struct {
	all atomic.Pointer[map[string]opened[T]]
}

// opened is an object and its decoded content.
type opened[T any] struct {
	object []byte
	value  T
}

func (m *remembered[T]) get(name string, object []byte) (value T, ok bool) {
	all := m.all.Load()
	if all == nil || len(object) == 0 {
		return value, false
	}
	known := (*all)[name]
	if len(known.object) != len(object) || &known.object[0] != &object[0] {
		return value, false
	}
	return known.value, true
}

// replace remembers these objects in place of all others. The caller gives the map away.
func (m *remembered[T]) replace(all map[string]opened[T]) { m.all.Store(&all) }
