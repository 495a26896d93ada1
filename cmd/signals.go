package cmd

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals are the signals that the process gets. They cancel the run, unless its command takes them for something else.
type signals struct {
	incoming chan os.Signal
	taker    atomic.Pointer[func(os.Signal) bool] // reports whether it has taken a signal; nil for none
}

// cancelling returns a context that ends with a signal.
func (s *signals) cancelling(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	incoming := make(chan os.Signal, 4)
	s.incoming = incoming
	signal.Notify(incoming, stopSignals()...)
	go func() {
		for received := range incoming {
			if take := s.taker.Load(); take == nil || !(*take)(received) {
				cancel()
			}
		}
	}()
	return ctx, func() { signal.Stop(incoming); close(incoming); cancel() }
}

// take has a function take signals, further ones among them, until the returned function is called.
func (s *signals) take(f func(os.Signal) bool, further ...os.Signal) (stop func()) {
	s.taker.Store(&f)
	if s.incoming != nil && len(further) > 0 {
		signal.Notify(s.incoming, further...)
	}
	return func() { s.taker.Store(nil) }
}

// stopSignals returns the signals that cancel a run. It leaves out the hang-up if nohup has made the process ignore it.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
