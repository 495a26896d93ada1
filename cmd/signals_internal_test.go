package cmd

import (
	"os"
	"syscall"
	"testing"
)

// TestSignals checks that a signal cancels a run unless its command has taken it.
func TestSignals(t *testing.T) {
	t.Parallel()
	var s signals
	ctx, stop := s.cancelling(t.Context())
	defer stop()
	taken := make(chan os.Signal, 1)
	release := s.take(func(received os.Signal) bool { taken <- received; return received == syscall.SIGHUP })
	s.incoming <- syscall.SIGHUP
	if got := <-taken; got != syscall.SIGHUP || ctx.Err() != nil {
		t.Errorf("taken: got %v, %v", got, ctx.Err())
	}
	s.incoming <- syscall.SIGTERM
	<-taken
	<-ctx.Done()
	release()

	ctx, stop = s.cancelling(t.Context())
	defer stop()
	s.incoming <- syscall.SIGHUP
	<-ctx.Done()
}
