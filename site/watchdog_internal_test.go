package site

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"firn/outcome"
)

// hang returns a call that hangs until the test calls end.
func hang(t *testing.T) (call func() error, end func()) {
	t.Helper()
	ended := make(chan struct{})
	return func() error { <-ended; return nil }, func() { close(ended) }
}

func TestWatchdogGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx     context.Context
		silence time.Duration
		want    error
	}{
		"Silence":     {t.Context(), time.Millisecond, outcome.ErrStuck},
		"Interrupted": {ctx, 0, context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := NewWatchdog(test.ctx, test.silence)
			w.grace = time.Millisecond
			call, end := hang(t)
			late := make(chan struct{})
			if err := w.Call(call, func() { close(late) }); !errors.Is(err, test.want) {
				t.Errorf("first call: got %v, want %v", err, test.want)
			}
			// The call that hangs may be using the same things as a second call would.
			err := w.Call(func() error { t.Error("a second call was made"); return nil }, Nothing)
			if !errors.Is(err, test.want) {
				t.Errorf("second call: got %v, want %v", err, test.want)
			}
			end()
			<-late
		})
	}
}

// TestWatchdogWaits makes a call that lasts many times longer than the allowed silence, but beats
// often enough.
func TestWatchdogWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWatchdog(t.Context(), StuckSilence)
		want := errors.New("done")
		err := w.Call(func() error {
			for range 20 {
				<-time.After(StuckSilence - time.Second)
				w.beat()
			}
			return want
		}, Nothing)
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	})
}
