package behind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"firn/store"
)

// Drain puts the waiting objects into the store, in their order, until none waits. It stops at the first error of the
// store, and returns it: no object overtakes another one. What has not been put goes on to wait. Drain is as patient as
// ctx: the store may take longer for an object than a Put waits for it.
//
// An object that is in the store already, with the same bytes, counts as put: the answer to an earlier put was lost. If
// the bytes are others, the error matches fs.ErrExist, and the objects wait until one of the two is deleted.
//
// A file that turns out to be damaged is set aside, see [Open], and Drain goes on with the next. Any number of goroutines
// may call Drain; one works and the others wait.
func (s *Store) Drain(ctx context.Context) error {
	select {
	case s.draining <- struct{}{}:
		defer func() { <-s.draining }()
	case <-ctx.Done():
		return fmt.Errorf("drain: %w", ctx.Err())
	}
	err := s.drain(ctx)
	if settled := s.spool.sync(); err == nil {
		err = settled // one for all objects: a file that comes back is put again, and finds itself
	}
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

func (s *Store) drain(ctx context.Context) error {
	for e := s.spool.head(); e != nil; e = s.spool.head() {
		if err := s.move(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// move puts one object into the store, and takes it from the spool.
func (s *Store) move(ctx context.Context, e *entry) error {
	// A late put of the object may still be at work. It ends first: if it came after this one, and after a Delete, the
	// object would be back. With a store that hangs it also keeps the number of such puts at one.
	if err := wait(ctx, s.spool.underWay(e)); err != nil {
		return err
	}
	data, err := s.spool.read(e)
	if errors.Is(err, errDamaged) || errors.Is(err, fs.ErrNotExist) {
		return s.spool.loseHead(e, err, s.warn)
	}
	if err != nil {
		return fmt.Errorf("read %s in %s: %w", e.Name, s.spool.dir, err)
	}
	if sent, err := s.send(ctx, e, data); err != nil || !sent {
		return err
	}
	return s.spool.remove(e)
}

// send puts an entry's object into the store. It reports false if the object was deleted before.
func (s *Store) send(ctx context.Context, e *entry, data []byte) (sent bool, err error) {
	result, done := make(chan error, 1), make(chan struct{})
	if !s.spool.begin(e, done) {
		return false, nil
	}
	go func() {
		defer close(done)
		result <- s.deliver(ctx, e.Name, data)
	}()
	select {
	case err = <-result:
		<-done
	case <-ctx.Done(): // the store may not notice
		return false, ctx.Err()
	}
	if err != nil {
		s.away(err)
	}
	return err == nil, err
}

// deliver puts an object, and compares it with one that is there.
func (s *Store) deliver(ctx context.Context, name string, data []byte) error {
	err := s.of.Put(ctx, name, data)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	most := max(int64(len(data)), 2) // a length of -1 has another meaning
	found, err := s.of.Get(ctx, name, 0, store.AtMost(most))
	switch {
	case errors.Is(err, store.ErrTooLarge), err == nil && !bytes.Equal(found, data):
		return fmt.Errorf("%s waits for the store, which has other bytes under that name: %w", name, fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was there a moment ago: %v", name, err)
	}
	return err
}

// wait waits for the end of a put; nil is for none.
func wait(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return ctx.Err()
	}
	select {
	case <-done:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
