package behind

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"firn/store"
)

// Get reads a waiting object from the spool, and others from the store. It does not verify the checksum of a waiting
// object, which would be to read all of it for each part: objects are sealed, and their readers notice other bytes.
func (s *Store) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	if e := s.spool.find(name); e != nil {
		data, err := s.spool.get(e, off, length)
		if err == nil {
			return data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("get %s from the spool %s: %w", name, s.spool.dir, err)
		}
		// It was drained since, so the store has it; or it was deleted.
	}
	return s.of.Get(ctx, name, off, length)
}

// get returns a part of a waiting object. The error matches fs.ErrNotExist if the file has gone, io.ErrUnexpectedEOF and
// [store.ErrTooLarge] as the store's do, and nothing else.
func (s *spool) get(e *entry, off, length int64) ([]byte, error) {
	from, to, err := store.Range(e.Size, off, length)
	if err != nil {
		return nil, err
	}
	f, err := s.files.Open(e.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, errors.New(err.Error()) // of the disk
	}
	defer f.Close() // it was only read
	data := make([]byte, to-from)
	if _, err := f.ReadAt(data, dataStart(e.Name)+from); err != nil {
		return nil, fmt.Errorf("read %s: %v", e.file(), err)
	}
	return data, nil
}

// List yields the store's objects and the waiting ones. If the store is away it yields an error: a listing without the
// store's objects would be a lie.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		// In this order, an object that is drained during the listing is seen at least once.
		m := merge{waiting: s.spool.matching(prefix), yield: yield}
		for o, err := range s.of.List(ctx, prefix) {
			if err != nil {
				yield(store.Object{}, err)
				return
			}
			if !m.upTo(o.Name) || !yield(o, nil) {
				return
			}
		}
		m.rest()
	}
}

// merge yields waiting objects between those of the store.
type merge struct {
	waiting []store.Object // sorted
	yield   func(store.Object, error) bool
}

// upTo yields the waiting objects before a name, and leaves out one of that name: the store has it already, and knows its
// time. It reports whether the listing goes on.
func (m *merge) upTo(name string) bool {
	for len(m.waiting) > 0 && m.waiting[0].Name <= name {
		o := m.waiting[0]
		m.waiting = m.waiting[1:]
		if o.Name < name && !m.yield(o, nil) {
			return false
		}
	}
	return true
}

// rest yields the waiting objects that are left.
func (m *merge) rest() {
	for _, o := range m.waiting {
		if !m.yield(o, nil) {
			return
		}
	}
}
