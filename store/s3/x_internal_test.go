package s3

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestNetworkErrorsPass holds errors of the network, some of which match what
// means something else here, to be worth another try and nothing but "unreachable".
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
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}, // what a firewall may say
	} {
		if !isPassing(err) {
			t.Errorf("%v counts as lasting", err)
		}
		got := explain(err)
		if !errors.Is(got, ErrUnreachable) || errors.Is(got, context.DeadlineExceeded) || errors.Is(got, fs.ErrPermission) {
			t.Errorf("got %v, want nothing but ErrUnreachable", got)
		}
	}
}
