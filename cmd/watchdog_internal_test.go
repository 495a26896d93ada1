package cmd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// hang is a call that comes back when the test says so.
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
		"Silence":     {t.Context(), time.Millisecond, errStuck},
		"Interrupted": {ctx, 0, context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatchdog(test.ctx, test.silence)
			w.grace = time.Millisecond
			call, end := hang(t)
			late := make(chan struct{})
			if err := w.call(call, func() { close(late) }); !errors.Is(err, test.want) {
				t.Errorf("first call: got %v, want %v", err, test.want)
			}
			// What hangs may be using what another call would.
			err := w.call(func() error { t.Error("a second call was made"); return nil }, nothing)
			if !errors.Is(err, test.want) {
				t.Errorf("second call: got %v, want %v", err, test.want)
			}
			end()
			<-late
		})
	}
}

// TestWatchdogWaits has a call last many times the silence, of which it is heard every now and then.
func TestWatchdogWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(t.Context(), stuckSilence)
		want := errors.New("done")
		err := w.call(func() error {
			for range 20 {
				<-time.After(stuckSilence - time.Second)
				w.beat()
			}
			return want
		}, nothing)
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	})
}
