package site

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"time"

	"firn/host"
	"firn/store"
	"firn/store/local"
)

// storeThreads is the number of calls of an [ownedStore] that run at a time.
const storeThreads = 8

// ownedStore is a store in a folder of another user's. Each call runs on a thread with that user's rights. So a link that
// the user puts there leads the call only where the user may go, and new files belong to the user.
type ownedStore struct {
	*local.Store
	threads chan *host.Thread
}

var (
	_ store.Store   = (*ownedStore)(nil)
	_ store.Cleaner = (*ownedStore)(nil)
)

// OpenStore opens a folder as a store. A symbolic link in the path leads only to folders that the link's owner may enter.
// The caller closes the store.
func OpenStore(dir string) (store.Store, error) {
	folder, _, err := host.Reach(filepath.Join(dir, "config"))
	if err != nil {
		return nil, err
	}
	if !folder.Foreign() {
		_ = folder.Close() // it was only read
		return local.Open(dir)
	}
	s := &ownedStore{threads: make(chan *host.Thread, storeThreads)}
	for range storeThreads {
		thread, err := folder.Thread()
		if err != nil {
			return nil, errors.Join(err, s.end(), folder.Close())
		}
		s.threads <- thread
	}
	if s.Store, err = local.OpenAt(dir, folder.Root(), host.Outside); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// do calls a function on one of the threads, when one is free.
func (s *ownedStore) do(f func() error) error {
	thread := <-s.threads
	defer func() { s.threads <- thread }()
	return thread.Do(f)
}

// Put calls Put of the store with the user's rights.
func (s *ownedStore) Put(ctx context.Context, name string, data []byte) error {
	return s.do(func() error { return s.Store.Put(ctx, name, data) })
}

// Get calls Get of the store with the user's rights.
func (s *ownedStore) Get(ctx context.Context, name string, off, length int64) (data []byte, err error) {
	err = s.do(func() (err error) { data, err = s.Store.Get(ctx, name, off, length); return err })
	return data, err
}

// List calls List of the store with the user's rights. It reads the whole listing before it yields the first object, so the
// loop over the listing does not run with the user's rights.
func (s *ownedStore) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		var objects []store.Object
		err := s.do(func() error {
			for o, err := range s.Store.List(ctx, prefix) {
				if err != nil {
					return err
				}
				objects = append(objects, o)
			}
			return nil
		})
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Object{}, err)
		}
	}
}

// Delete calls Delete of the store with the user's rights.
func (s *ownedStore) Delete(ctx context.Context, names ...string) error {
	return s.do(func() error { return s.Store.Delete(ctx, names...) })
}

// Clean calls Clean of the store with the user's rights.
func (s *ownedStore) Clean(ctx context.Context, olderThan time.Time) (n int, err error) {
	err = s.do(func() (err error) { n, err = s.Store.Clean(ctx, olderThan); return err })
	return n, err
}

// Close closes the store and ends the threads.
func (s *ownedStore) Close() error { return errors.Join(s.end(), s.Store.Close()) }

// end ends the threads that run no call.
func (s *ownedStore) end() error {
	for len(s.threads) > 0 {
		(<-s.threads).Close()
	}
	return nil
}

// MakeFolder makes a folder and all missing folders above it. It makes each one with the rights of the user who can write in
// its parent.
func MakeFolder(dir string) error {
	at, err := Reach(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := MakeFolder(filepath.Dir(dir)); err != nil {
			return err
		}
		at, err = Reach(dir)
	}
	if err != nil {
		return err
	}
	defer at.Close()
	return at.At(local.MakeFolder)
}
