package monitor_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/session"
)

// TestInterrupted checks that on_failure and the monitor do not delay the
// end of an interrupted run for long.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	slow := &config.Environment{HookTimeout: config.Duration{Duration: time.Hour}}
	quick := &config.Environment{HookTimeout: config.Duration{Duration: time.Second}}
	if got := slow.FailureLimit(context.Background()); got != time.Hour {
		t.Errorf("got %v for on_failure, want the hour of hook_timeout", got)
	}
	if got, want := slow.FailureLimit(ctx), config.InterruptedTimeout; got != want {
		t.Errorf("interrupted: got %v for on_failure, want %v", got, want)
	}
	if got := quick.FailureLimit(ctx); got != time.Second {
		t.Errorf("interrupted: got %v for on_failure, want the second of hook_timeout", got)
	}

	var tries atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	p := monitor.NewPing(&session.Caller{}, &config.Environment{Name: "production", Ping: server.URL})
	p.Start(ctx)
	p.Failed(ctx, context.Canceled)
	if got := tries.Load(); got != 2 { // one ping for the start, one for the end
		t.Errorf("the monitor was told %d times, want 2", got)
	}
}
