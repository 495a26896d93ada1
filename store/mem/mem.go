// Package mem keeps objects in memory, for tests and for trying firn out. It
// keeps every promise of [store.Store] but durability.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"firn/store"
)

// Store is a [store.Store] in memory. Make one with [New].
type Store struct {
	// Now is the store's clock, time.Now unless set before the first use.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	data []byte // never changed once stored
	time time.Time
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{Now: time.Now, objects: make(map[string]object)}
}

// Put creates name with a copy of data.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[name]; ok {
		return fmt.Errorf("put %s: %w", name, fs.ErrExist)
	}
	s.objects[name] = object{data: bytes.Clone(data), time: s.Now()}
	return nil
}

// Get returns a copy of a part of name.
func (s *Store) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	s.mu.Lock()
	o, ok := s.objects[name]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
	}
	from, to, err := store.Range(int64(len(o.data)), off, length)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return bytes.Clone(o.data[from:to]), nil
}

// List yields the objects that exist when the loop begins.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		objects, err := s.list(ctx, prefix)
		if err != nil {
			yield(store.Object{}, fmt.Errorf("list: %w", err))
			return
		}
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// list copies the whole listing at once, so that the loop over it holds no
// lock.
func (s *Store) list(ctx context.Context, prefix string) ([]store.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := store.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var objects []store.Object
	for name, o := range s.objects {
		if strings.HasPrefix(name, prefix) {
			objects = append(objects, store.Object{Name: name, Size: int64(len(o.data)), Time: o.time})
		}
	}
	slices.SortFunc(objects, func(a, b store.Object) int { return strings.Compare(a.Name, b.Name) })
	return objects, nil
}

// Delete removes the named objects.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := check(ctx, names...); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.objects, name)
	}
	return nil
}

func check(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return err
		}
	}
	return ctx.Err()
}
