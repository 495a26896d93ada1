package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"firn/store"
)

// TestNetworkErrorsPass checks that errors of the network are worth another try and
// mean nothing but "unreachable", although some match errors with another meaning
// in a store.
func TestNetworkErrorsPass(t *testing.T) {
	t.Parallel()
	_, late := (&net.Dialer{Deadline: time.Unix(1, 0)}).Dial("tcp", "127.0.0.1:1")
	if !errors.Is(late, context.DeadlineExceeded) {
		t.Fatalf("a late connection: got %v, want what looks like a context's end", late)
	}
	for _, err := range []error{
		late, net.ErrClosed, os.ErrDeadlineExceeded,
		&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)},
		&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.ECONNRESET)},
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}, // a possible error of a firewall
	} {
		if !isPassing(err) {
			t.Errorf("%v counts as lasting", err)
		}
		got := explain(err)
		if !errors.Is(got, store.ErrUnreachable) || errors.Is(got, context.DeadlineExceeded) || errors.Is(got, fs.ErrPermission) {
			t.Errorf("got %v, want nothing but store.ErrUnreachable", got)
		}
	}
}

// TestLongUploadIsRepeated breaks off an upload that has taken longer than the
// store's patience.
func TestLongUploadIsRepeated(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]int{"Once": 1, "Always": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				_, err := retry(t.Context(), &Store{traffic: &traffic{}}, func() (none, error) {
					tries++
					time.Sleep(2 * defaultPatience)
					if tries <= fails {
						return none{}, net.ErrClosed
					}
					return none{}, nil
				})
				if tries != 2 || errors.Is(err, store.ErrUnreachable) != (fails > 1) {
					t.Errorf("got %v after %d tries, want 2", err, tries)
				}
			})
		})
	}
}

// TestLimits sends and receives over a connection with limits, on a clock that
// advances when all goroutines wait.
func TestLimits(t *testing.T) {
	t.Parallel()
	const limit, size = 200 << 10, 1 << 20
	for name, c := range map[string]*conn{
		"None": {}, "Up": {up: newLimiter(limit)}, "Down": {down: newLimiter(limit)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				c.Conn, c.idle, c.traffic = near, idleWait, &traffic{}
				up := transferTime(t, c, far, size)
				down := transferTime(t, far, c, size)
				limited := time.Duration(float64(size-burst) / limit * float64(time.Second))
				for direction, got := range map[string]time.Duration{"Up": up, "Down": down} {
					want := time.Duration(0)
					if direction == name {
						want = limited
					}
					if got < want || got > want+time.Millisecond {
						t.Errorf("%s: got %v for 1 MiB, want %v", direction, got, want)
					}
				}
				if got := c.traffic.snapshot(); got.Sent != size || got.Received != size {
					t.Errorf("counted %d bytes up and %d down, want %d", got.Sent, got.Received, size)
				}
			})
		})
	}
}

// transferTime returns how long the transfer of size bytes takes.
func transferTime(t *testing.T, to io.Writer, from io.Reader, size int) time.Duration {
	t.Helper()
	want := bytes.Repeat([]byte("0123"), size/4)
	began := time.Now()
	go func() {
		if n, err := to.Write(want); n != size || err != nil {
			t.Errorf("wrote %d bytes, %v", n, err)
		}
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("other bytes arrive, or too few: %v", err)
	}
	synctest.Wait()
	return time.Since(began)
}
