package behind_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"firn/store"
	"firn/store/behind"
	"firn/store/mem"
)

// TestAway puts objects while the store is away, in each of the ways that time may mend.
func TestAway(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		unreachable(), store.ErrDenied, store.ErrCredentials, store.ErrBucket, store.ErrClock, store.ErrCertificate,
		store.ErrProtocol, store.ErrNoSpace, fs.ErrPermission, context.DeadlineExceeded, errors.New("is its disk mounted?"),
	} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			dir, p := t.TempDir(), newPlace()
			s := open(t, dir, p)
			put(t, s, "a")
			wantWaiting(t, s, 0)
			p.goAway(cause)
			put(t, s, "c", "b")
			wantWaiting(t, s, 2)
			want(t, s, "b", "c")
			if err := s.Drain(t.Context()); !errors.Is(err, cause) {
				t.Errorf("Drain: got %v, want %v", err, cause)
			}
			closeStore(t, s)
			s = open(t, dir, p)
			wantWaiting(t, s, 2)
			p.comeBack()
			put(t, s, "d") // waits behind the others
			wantNames(t, list(t, s, ""), "a", "b", "c", "d")
			wantNames(t, list(t, s, "b"), "b")
			drain(t, s)
			wantWaiting(t, s, 0)
			put(t, s, "e")
			wantNames(t, p.arrived(), "a", "c", "b", "d", "e")
			want(t, p, "a", "b", "c", "d", "e")
			if left, err := filepath.Glob(filepath.Join(dir, "0*")); len(left) != 0 || err != nil {
				t.Errorf("got files %q, %v, want none", left, err)
			}
		})
	}
}

// TestNotSpooled checks the errors after which no object waits.
func TestNotSpooled(t *testing.T) {
	t.Parallel()
	p := newPlace()
	s := open(t, t.TempDir(), p)
	put(t, s, "a")
	for i, want := range []error{fs.ErrExist, store.ErrTooLarge} {
		p.goAway(fmt.Errorf("%w here", want))
		if err := s.Put(t.Context(), fmt.Sprint("b", i), nil); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	p.goAway(unreachable())
	if err := s.Put(t.Context(), "../a", nil); err == nil {
		t.Error("a bad name: got nil, want an error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.fail(func(string) error { cancel(); return unreachable() }) // in the midst of the call
	if err := s.Put(ctx, "c", nil); err == nil {
		t.Error("a context that has ended: got nil, want an error")
	}
	wantWaiting(t, s, 0)
	p.goAway(unreachable())
	put(t, s, "d")
	if err := s.Put(t.Context(), "d", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the name of a waiting object: got %v, want fs.ErrExist", err)
	}
	if err := s.Put(t.Context(), "e", make([]byte, store.MaxObject+1)); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	wantWaiting(t, s, 1)
}

// TestLimit fills the spool.
func TestLimit(t *testing.T) {
	t.Parallel()
	dir, p := t.TempDir(), newPlace()
	p.goAway(unreachable())
	var warnings []string
	s := openWith(t, dir, p, 1000, behind.Options{Warn: func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }})
	record := func(name string) int { return 42 + len(name) }
	if err := s.Put(t.Context(), "a", make([]byte, 1000-record("a")-100)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := s.Put(t.Context(), "b", make([]byte, 101-record("b")))
		if !errors.Is(err, store.ErrNoSpace) || errors.Is(err, store.ErrUnreachable) {
			t.Fatalf("got %v, want ErrNoSpace", err)
		}
		for _, part := range []string{"the store is away", "no route to host", "its spool", "is full"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("got %q, want %q in it", err, part)
			}
		}
	}
	if err := s.Put(t.Context(), "c", make([]byte, 100-record("c"))); err != nil { // the very limit
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "0*")); len(files) != 2 || err != nil {
		t.Errorf("got %q, %v, want two files", files, err)
	}
	if err := s.Delete(t.Context(), "c"); err != nil { // was never sent
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "d", nil); err != nil {
		t.Errorf("after a delete: %v", err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "the store is away") {
		t.Errorf("got warnings %q, want one of the store", warnings)
	}
}

// TestSpoolGone removes the folder of an open spool. The error must not be that of a missing or an existing object.
func TestSpoolGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPlace()
	p.goAway(unreachable())
	s := open(t, dir, p)
	if err := os.RemoveAll(dir); err != nil {
		t.Skip("an open folder cannot be removed here: ", err)
	}
	err := s.Put(t.Context(), "a", nil)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "away") {
		t.Errorf("got %v, want an error of the spool", err)
	}
	wantWaiting(t, s, 0)
}

// hanging is a store whose puts hang until release is closed, and then happen. They notice the end of a context if they
// should.
type hanging struct {
	*place
	notices bool
	release chan struct{}
}

func (h *hanging) Put(ctx context.Context, name string, data []byte) error {
	var cancelled <-chan struct{}
	if h.notices {
		cancelled = ctx.Done()
	}
	select {
	case <-h.release:
		return h.place.Put(context.WithoutCancel(ctx), name, data)
	case <-cancelled:
		return ctx.Err()
	}
}

// TestPatience lets the store hang: the object waits after the patience, no matter whether the store notices that nobody
// waits for it any more.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, notices := range []bool{true, false} {
		t.Run(fmt.Sprint("notices=", notices), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := &hanging{place: newPlace(), notices: notices, release: make(chan struct{})}
				s := open(t, dir, h)
				data := content("a")
				if err := s.Put(t.Context(), "a", data); err != nil {
					t.Fatal(err)
				}
				clear(data) // is not what the store gets, even now
				put(t, s, "b")
				wantWaiting(t, s, 2)
				close(h.release)
				drain(t, s)
				wantNames(t, h.arrived(), "a", "b")
				want(t, h.place, "a", "b")
			})
		})
	}
}

// TestLateAnswer deletes an object whose put hangs. The late put must not bring it back.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{place: newPlace(), release: make(chan struct{})}
		s := open(t, dir, h)
		put(t, s, "a")
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() { failed <- s.Delete(ctx, "a") }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("Delete while the put hangs: got %v, want context.Canceled", err)
		}
		go func() { failed <- s.Delete(t.Context(), "a") }()
		synctest.Wait()
		close(h.release)
		if err := <-failed; err != nil {
			t.Error(err)
		}
		wantWaiting(t, s, 0)
		drain(t, s)
		wantNames(t, list(t, s, ""))
	})
}

// TestSlowDrain drains into a store that takes longer than any put waits.
func TestSlowDrain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{place: newPlace(), notices: true, release: make(chan struct{})}
		s := open(t, dir, h)
		put(t, s, "a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), behind.DefaultPatience*100)
		defer cancel()
		if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		done := make(chan error)
		go func() { done <- s.Drain(t.Context()) }()
		synctest.Wait()
		close(h.release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantNames(t, h.arrived(), "a", "b")
	})
}

// TestCancelledPut ends the context of a put that hangs. Nothing waits, and the put ends with the patience at the latest.
func TestCancelledPut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{place: newPlace(), release: make(chan struct{})}
		s := open(t, dir, h)
		ctx, cancel := context.WithTimeout(t.Context(), behind.DefaultPatience/2)
		defer cancel()
		if err := s.Put(ctx, "a", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		wantWaiting(t, s, 0)
		close(h.release)
	})
}

// TestUnusedStore checks that a Store whose store is present uses no file.
func TestUnusedStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, mem.New())
	put(t, s, "a", "b")
	drain(t, s)
	if files, err := filepath.Glob(filepath.Join(dir, "0*")); len(files) != 0 || err != nil {
		t.Errorf("got %q, %v, want no files", files, err)
	}
}
