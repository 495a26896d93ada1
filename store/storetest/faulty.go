package storetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"firn/store"
)

// Faulty is a [store.Store] with one fault. Make one with [NewFaulty]. It counts
// every call; a listing counts when its loop starts.
type Faulty struct {
	inner store.Store
	fault Fault

	mu     sync.Mutex
	log    []string
	giveUp context.CancelFunc // nil before [Faulty.Context]
}

var _ store.Store = (*Faulty)(nil)

// NewFaulty returns inner with a fault. After the fault a test reads inner
// itself to see what a later process would find.
func NewFaulty(inner store.Store, fault Fault) *Faulty {
	return &Faulty{inner: inner, fault: fault}
}

// Context returns a context that ends when a slow call is reached, as if the
// caller stopped waiting. A slow call made with another context waits until that
// context ends.
func (f *Faulty) Context(parent context.Context) context.Context {
	ctx, cancel := context.WithCancel(parent)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.giveUp = cancel
	return ctx
}

// Calls returns the number of calls so far, failed calls included. A test runs
// once without a fault to learn how many calls it can let fail.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

// Log returns the calls in order, each like "put meta/config": the method, then
// the object's name, the listing's prefix, or all names to delete.
func (f *Faulty) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// begin counts a call. It returns how much of the call reaches the inner store,
// and the error that the caller gets instead of the answer, if any.
func (f *Faulty) begin(ctx context.Context, op string, names ...string) (effect, error) {
	f.mu.Lock()
	call := op + " " + strings.Join(names, " ")
	f.log = append(f.log, call)
	n, giveUp := len(f.log), f.giveUp
	f.mu.Unlock()
	effect, fails := f.fault.hit(n)
	if !fails {
		return effect, nil
	}
	err := fmt.Errorf("%s (call %d, fault %s): %w", call, n, f.fault.Kind, ErrInjected)
	if f.fault.Kind == Slow {
		if giveUp != nil {
			giveUp()
		}
		<-ctx.Done()
		err = fmt.Errorf("%w: %w", err, ctx.Err())
	}
	return effect, err
}

// Put puts the object, or does not. An object is never half written, so a torn
// Put has no effect.
func (f *Faulty) Put(ctx context.Context, name string, data []byte) error {
	effect, fault := f.begin(ctx, "put", name)
	if effect == whole {
		if err := f.inner.Put(ctx, name, data); fault == nil {
			return err
		}
	}
	return fault
}

// Get gets the object, or returns the fault.
func (f *Faulty) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if _, fault := f.begin(ctx, "get", name); fault != nil {
		return nil, fault
	}
	return f.inner.Get(ctx, name, off, length)
}

// Delete deletes all names, the first half of them, or none.
func (f *Faulty) Delete(ctx context.Context, names ...string) error {
	effect, fault := f.begin(ctx, "delete", names...)
	if effect == half {
		names = names[:len(names)/2]
	}
	if effect != none {
		if err := f.inner.Delete(ctx, names...); fault == nil {
			return err
		}
	}
	return fault
}

// List yields all objects, the first half of them, or none, and then the fault.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		effect, fault := f.begin(ctx, "list", prefix)
		if fault == nil {
			f.inner.List(ctx, prefix)(yield)
			return
		}
		for _, o := range f.listed(ctx, prefix, effect) {
			if !yield(o, nil) {
				return
			}
		}
		yield(store.Object{}, fault)
	}
}

// listed returns as much of the inner listing as the effect lets through.
func (f *Faulty) listed(ctx context.Context, prefix string, effect effect) (objects []store.Object) {
	if effect == none {
		return nil
	}
	for o, err := range f.inner.List(ctx, prefix) {
		if err != nil {
			return objects
		}
		objects = append(objects, o)
	}
	if effect == half {
		return objects[:len(objects)/2]
	}
	return objects
}
