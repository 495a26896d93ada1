package storetest

import (
	"context"
	"iter"
	"strings"

	"firn/store"
)

// Hook is called before each call of a store. op is "put", "get", "list" or
// "delete". name is the object's name, the listing's prefix, or all names to
// delete with spaces between them.
type Hook func(op, name string)

// Hooked is a [store.Store] that calls a [Hook] before each call: to count
// calls, to act between them, or to end the process there. Make one with
// [NewHooked].
type Hooked struct {
	inner store.Store
	hook  Hook
}

var _ store.Store = (*Hooked)(nil)

// NewHooked returns inner with a hook. The hook must be safe for concurrent use
// if the store is used concurrently. The hook itself may use inner; a listing
// calls it when its loop begins.
func NewHooked(inner store.Store, hook Hook) *Hooked {
	return &Hooked{inner: inner, hook: hook}
}

// Put calls the hook, then the inner store.
func (h *Hooked) Put(ctx context.Context, name string, data []byte) error {
	h.hook("put", name)
	return h.inner.Put(ctx, name, data)
}

// Get calls the hook, then the inner store.
func (h *Hooked) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	h.hook("get", name)
	return h.inner.Get(ctx, name, off, length)
}

// List calls the hook when its loop begins, then the inner store.
func (h *Hooked) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		h.hook("list", prefix)
		h.inner.List(ctx, prefix)(yield)
	}
}

// Delete calls the hook, then the inner store.
func (h *Hooked) Delete(ctx context.Context, names ...string) error {
	h.hook("delete", strings.Join(names, " "))
	return h.inner.Delete(ctx, names...)
}
