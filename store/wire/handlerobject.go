package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"firn/store"
)

// put stores an object once all of its bytes are here and have the right checksum.
func (h *Handler) put(w http.ResponseWriter, r *http.Request, name string) error {
	size, sum := r.ContentLength, r.Header.Get(headerSum)
	switch err := store.CheckName(name); {
	case err != nil:
		return checked(err)
	case size < 0 || len(sum) != len(sumOf(nil)):
		return fmt.Errorf("%w: an object without a length or a checksum", ErrRequest)
	case size > store.MaxObject:
		return fmt.Errorf("%w: %d bytes", store.ErrTooLarge, size)
	}
	free, err := h.reserve(r.Context(), size)
	if err != nil {
		return err
	}
	defer free()
	data := make([]byte, size)
	if n, err := io.ReadFull(newPaced(w, r.Body), data); err != nil {
		return fmt.Errorf("%w: the object breaks off after %d bytes of %d: %v", ErrBusy, n, size, err)
	}
	if sumOf(data) != sum {
		return fmt.Errorf("object %s: %w", name, errChecksum)
	}
	if err := h.keep(r.Context(), name, data); err != nil {
		if r.Header.Get(headerAgain) == "" || !errors.Is(err, fs.ErrExist) || !h.holds(r.Context(), name, data) {
			return err
		}
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// reserve waits until there is memory for n bytes.
func (h *Handler) reserve(ctx context.Context, n int64) (free func(), err error) {
	n = min(n, memory)
	if err := h.memory.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBusy, err)
	}
	return func() { h.memory.Release(n) }, nil
}

// keep stores an object within the quota.
func (h *Handler) keep(ctx context.Context, name string, data []byte) error {
	if h.rules.Quota == nil {
		return h.store.Put(ctx, name, data)
	}
	done, err := h.rules.Quota.take(ctx, Charge(int64(len(data))))
	if err != nil {
		return err
	}
	err = h.store.Put(ctx, name, data)
	// After another error the object may be there.
	done(err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, store.ErrNoSpace))
	return err
}

// holds reports whether the store has an object with these bytes.
func (h *Handler) holds(ctx context.Context, name string, data []byte) bool {
	got, err := h.store.Get(ctx, name, 0, store.AtMost(max(2, int64(len(data)))))
	return err == nil && string(got) == string(data)
}

// get answers with a part of an object.
func (h *Handler) get(w http.ResponseWriter, r *http.Request, name string) error {
	off, offErr := strconv.ParseInt(r.URL.Query().Get("off"), 10, 64)
	length, lengthErr := strconv.ParseInt(r.URL.Query().Get("len"), 10, 64)
	if err := errors.Join(store.CheckName(name), offErr, lengthErr); err != nil {
		return checked(err)
	}
	free, err := h.reserve(r.Context(), mostBytes(off, length))
	if err != nil {
		return err
	}
	defer free()
	data, err := read(r.Context(), h.store, name, off, length)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set(headerSum, sumOf(data))
	allow(w, int64(len(data)))
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// mostBytes returns how many bytes a part of an object can have.
func mostBytes(off, length int64) int64 {
	switch {
	case off < 0:
		return min(-max(off, -store.MaxObject), store.MaxObject)
	case length < 0:
		return min(store.Bound(length), store.MaxObject)
	}
	return min(length, store.MaxObject)
}

// read is [store.Store.Get] for at most [store.MaxObject] bytes, whatever a client asks for: other programs may have put
// larger files there.
func read(ctx context.Context, st store.Store, name string, off, length int64) ([]byte, error) {
	switch {
	case off < -store.MaxObject:
		return st.Get(ctx, name, 0, store.AtMost(store.MaxObject))
	case off < 0 || length >= 0 && length <= store.MaxObject:
		return st.Get(ctx, name, off, length)
	case length < 0:
		return st.Get(ctx, name, off, store.AtMost(min(store.Bound(length), store.MaxObject)))
	}
	if _, err := st.Get(ctx, name, off, store.AtMost(store.MaxObject)); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF // the whole rest is shorter than what is asked for
}
