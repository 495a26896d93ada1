package cmd

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// Who has interrupted a run is not kept waiting by what is told of it.
func TestInterruptedWatch(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	slow := &environment{HookTimeout: duration{Duration: time.Hour}}
	quick := &environment{HookTimeout: duration{Duration: time.Second}}
	if got := slow.failureTimeout(context.Background()); got != time.Hour {
		t.Errorf("got %v for on_failure, want the hour of hook_timeout", got)
	}
	if got, want := slow.failureTimeout(ctx), interruptedTimeout; got != want {
		t.Errorf("interrupted: got %v for on_failure, want %v", got, want)
	}
	if got := quick.failureTimeout(ctx); got != time.Second {
		t.Errorf("interrupted: got %v for on_failure, want the second of hook_timeout", got)
	}

	var tries atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	var out bytes.Buffer
	p := newCLI(Streams{Out: &out, Err: &out}).newPinger(&environment{name: "production", Ping: server.URL})
	p.start(ctx)
	p.failed(ctx, context.Canceled)
	if got := tries.Load(); got != 2 { // the start, and the end
		t.Errorf("the monitor was told %d times, want 2", got)
	}
}
