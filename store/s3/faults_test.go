package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
)

// TestPassingFaults breaks the n-th request of each call. The call must have the
// same result as without the fault.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	faults := map[string]s3test.Fault{
		"ResetBefore": s3test.ResetBefore, "ResetAfter": s3test.ResetAfter, "Truncate": s3test.Truncate,
		"Unavailable": s3test.Unavailable, "Slow": s3test.Slow, "NotImplemented": s3test.NotImplemented,
	}
	for _, c := range someCalls() {
		for name, fault := range faults {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				for n, hit := 1, true; hit; n++ {
					requests, err := c.attempt(t, server, fmt.Sprint(n), 0, at(n, fault))
					if !c.matches(err) {
						t.Errorf("request %d of %d broken: got %v, want %v", n, requests, err, c.want)
					}
					hit = requests >= n
				}
			})
		}
	}
}

func at(n int, fault s3test.Fault) func(int) s3test.Fault {
	return func(i int) s3test.Fault {
		if i == n {
			return fault
		}
		return s3test.Pass
	}
}

func from(n int, fault s3test.Fault) func(int) s3test.Fault {
	return func(i int) s3test.Fault {
		if i >= n {
			return fault
		}
		return s3test.Pass
	}
}

// TestLastingFaults breaks all requests of each call from the n-th on. The error
// must name the fault, and never say that an object is missing or too short.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	faults := []struct {
		name  string
		fault s3test.Fault
		want  error
	}{
		{"ResetBefore", s3test.ResetBefore, store.ErrUnreachable},
		{"ResetAfter", s3test.ResetAfter, store.ErrUnreachable},
		{"Truncate", s3test.Truncate, store.ErrUnreachable},
		{"Unavailable", s3test.Unavailable, store.ErrUnreachable},
		{"Denied", s3test.Denied, store.ErrDenied},
	}
	for _, c := range someCalls() {
		for _, f := range faults {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				for n, hit := 1, true; hit; n++ {
					requests, err := c.attempt(t, server, fmt.Sprint(n), 150*time.Millisecond, from(n, f.fault))
					hit = requests >= n
					if f.fault == s3test.Truncate && err == nil || errors.Is(err, fs.ErrExist) {
						continue // an answer without a body is whole
					}
					if hit && (!errors.Is(err, f.want) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF)) {
						t.Errorf("broken from request %d on: got %v, want %v", n, err, f.want)
					}
				}
			})
		}
	}
}

// TestCancelled cancels each call while its requests fail and are repeated.
func TestCancelled(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	for _, c := range calls() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			c.run = ended(ctx, c.run)
			_, err := c.attempt(t, server, "x", time.Hour, func(int) s3test.Fault {
				cancel()
				return s3test.Unavailable
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
}

// ended returns run with ctx in place of its own context.
func ended(ctx context.Context, run func(context.Context, store.Store) error) func(context.Context, store.Store) error {
	return func(_ context.Context, s store.Store) error { return run(ctx, s) }
}

// TestRacingWriters lets several hosts write one name while answers are lost.
// Put must return nil to exactly one of them, and its object must stay.
func TestRacingWriters(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	proxy := s3test.StartProxy(t, server)
	dice := rand.New(rand.NewPCG(1, 2))
	proxy.Break(func(int, *http.Request) s3test.Fault {
		faults := []s3test.Fault{s3test.ResetAfter, s3test.ResetBefore, s3test.Truncate, s3test.Unavailable, s3test.Slow, s3test.Pass, s3test.Pass}
		return faults[dice.IntN(len(faults))]
	})
	direct := open(t, options(t, server, server.Location(prefix(t))))
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		race(t, direct, fmt.Sprintf("meta/race-%d", round), func() *s3.Store {
			return open(t, options(t, server, proxy.Location(prefix(t))))
		})
	}
}

// race lets each of four hosts write its own content under one name.
func race(t *testing.T, direct *s3.Store, name string, host func() *s3.Store) {
	t.Helper()
	var winners atomic.Int32
	var winner atomic.Int32
	done := make(chan struct{})
	for i := range 4 {
		s := host()
		go func() {
			defer func() { done <- struct{}{} }()
			err := s.Put(t.Context(), name, content(uint64(i), 1000))
			switch {
			case err == nil:
				winners.Add(1)
				winner.Store(int32(i))
			case !errors.Is(err, fs.ErrExist):
				t.Errorf("%s: got %v, want fs.ErrExist", name, err)
			}
		}()
	}
	for range 4 {
		<-done
	}
	got, err := direct.Get(t.Context(), name, 0, -1)
	if err != nil || winners.Load() != 1 || !bytes.Equal(got, content(uint64(winner.Load()), 1000)) {
		t.Errorf("%s: %d hosts were told that they wrote it, the last is %d; there are %d bytes, %v", name, winners.Load(), winner.Load(), len(got), err)
	}
}

// TestProbe probes servers that honour the condition, ignore it, and refuse it.
func TestProbe(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	for name, tt := range map[string]struct {
		fault s3test.Fault
		want  bool
	}{
		"Conditional": {s3test.Pass, true}, "Ignored": {s3test.StripCondition, false}, "Refused": {s3test.NotImplemented, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := s3test.StartProxy(t, server)
			proxy.Break(func(int, *http.Request) s3test.Fault { return tt.fault })
			s := open(t, options(t, server, proxy.Location(prefix(t))))
			if got, err := s.Probe(t.Context()); err != nil || got != tt.want {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
			testChecksFirst(t, s, proxy, !tt.want)
		})
	}
}

// TestProbeLosesAnswers probes a server that ignores the condition, over a
// network that loses an answer. The server must not look like one that honours
// the condition.
func TestProbeLosesAnswers(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	proxy := s3test.StartProxy(t, server)
	proxy.Break(func(n int, _ *http.Request) s3test.Fault {
		if n == 2 { // the request for the second object
			return s3test.ResetBefore
		}
		return s3test.StripCondition
	})
	if got, err := open(t, options(t, server, proxy.Location(prefix(t)))).Probe(t.Context()); err != nil || got {
		t.Errorf("got %v, %v, want false", got, err)
	}
}

// testChecksFirst checks that no object is replaced, and whether the store first
// asks if the name is free.
func testChecksFirst(t *testing.T, s *s3.Store, proxy *s3test.Proxy, want bool) {
	t.Helper()
	proxy.Reset()
	if err := s.Put(t.Context(), target, []byte("first")); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, r := range proxy.Requests() {
		kinds = append(kinds, r.Kind)
	}
	if got := strings.Join(kinds, " "); (got == "head put") != want {
		t.Errorf("got requests %q, want a look first: %v", got, want)
	}
	if err := s.Put(t.Context(), target, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second Put: got %v, want fs.ErrExist", err)
	}
	if got, err := s.Get(t.Context(), target, 0, -1); err != nil || string(got) != "first" {
		t.Errorf("got %q, %v, want the first", got, err)
	}
	for o, err := range s.List(t.Context(), "meta/") {
		t.Errorf("the probe left %s, %v", o.Name, err)
	}
}
