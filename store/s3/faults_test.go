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
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
)

// call is something to ask of a store while its requests break.
type call struct {
	name    string
	prepare func(t *testing.T, g *ground)
	run     func(ctx context.Context, s store.Store) error // compares what it got
	want    error                                          // nil, or what the error must match
	after   func(t *testing.T, g *ground)                  // looks at what is there then
}

// ground is a place of its own, to look at without faults.
type ground struct {
	store *s3.Store
	dir   string // where the server keeps its objects as files
}

const (
	target = "packs/ab/abcd"
	// listed is how many objects there are to list and to delete: two pages.
	listed = 1050
)

func calls() []call {
	small, large := content(1, 100), content(2, 5<<20)
	nothing := func(*testing.T, *ground) {}
	return []call{
		{"PutSmall", nothing, putting(small), nil, holds(small)},
		{"PutLarge", nothing, putting(large), nil, holds(large)},
		{"PutTaken", taken(small), putting(content(3, 100)), fs.ErrExist, holds(small)},
		{"PutLargeTaken", taken(small), putting(content(3, 20<<20)), fs.ErrExist, holds(small)},
		{"Get", taken(large), getting(0, -1, large), nil, nothing},
		{"GetRange", taken(large), getting(5, 70_000, large[5:70_005]), nil, nothing},
		{"GetSuffix", taken(large), getting(-70_000, -1, large[len(large)-70_000:]), nil, nothing},
		{"GetNothing", taken(small), getting(100, 0, []byte{}), nil, nothing},
		{"GetBehind", taken(small), getting(50, 51, nil), io.ErrUnexpectedEOF, nothing},
		{"GetMissing", nothing, getting(0, -1, nil), fs.ErrNotExist, nothing},
		{"List", crowd, listing, nil, nothing},
		{"DeleteOne", taken(small), func(ctx context.Context, s store.Store) error { return s.Delete(ctx, target) }, nil, empty},
		{"DeleteMany", crowd, func(ctx context.Context, s store.Store) error { return s.Delete(ctx, crowdNames()...) }, nil, empty},
	}
}

// content returns bytes that repeat nowhere.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b) // never fails, see its documentation
	return b
}

func putting(b []byte) func(context.Context, store.Store) error {
	return func(ctx context.Context, s store.Store) error { return s.Put(ctx, target, b) }
}

func getting(off, length int64, want []byte) func(context.Context, store.Store) error {
	return func(ctx context.Context, s store.Store) error {
		got, err := s.Get(ctx, target, off, length)
		if err == nil && !bytes.Equal(got, want) {
			return fmt.Errorf("got %d other bytes, want %d", len(got), len(want))
		}
		return err
	}
}

// listing sees that the crowd is all there is, in order, and once each.
func listing(ctx context.Context, s store.Store) error {
	i := 0
	for o, err := range s.List(ctx, "packs/") {
		if err != nil {
			return err
		}
		if i >= listed || o.Name != crowdName(i) {
			return fmt.Errorf("object %d is %s", i, o.Name)
		}
		i++
	}
	if i != listed {
		return fmt.Errorf("got %d objects, want %d", i, listed)
	}
	return nil
}

func taken(b []byte) func(*testing.T, *ground) {
	return func(t *testing.T, g *ground) {
		if err := g.store.Put(t.Context(), target, b); err != nil {
			t.Fatal(err)
		}
	}
}

// crowd makes many objects at once: the server takes files for objects.
func crowd(t *testing.T, g *ground) {
	if err := os.MkdirAll(filepath.Join(g.dir, "packs", "cd"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range crowdNames() {
		if err := os.WriteFile(filepath.Join(g.dir, filepath.FromSlash(name)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func crowdName(i int) string { return fmt.Sprintf("packs/cd/%04d", i) }

func crowdNames() []string {
	names := make([]string, listed)
	for i := range names {
		names[i] = crowdName(i)
	}
	return names
}

func holds(want []byte) func(*testing.T, *ground) {
	return func(t *testing.T, g *ground) {
		if got, err := g.store.Get(t.Context(), target, 0, -1); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the object has %d other bytes (%v), want %d", len(got), err, len(want))
		}
	}
}

func empty(t *testing.T, g *ground) {
	for o, err := range g.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s is still there", o.Name)
	}
}

// attempt makes the call once, at a place of its own by way of a proxy that
// breaks requests, and tells how many requests there were.
func (c call) attempt(t *testing.T, server *s3test.Server, place string, patience time.Duration, fault func(n int) s3test.Fault) (requests int, err error) {
	t.Helper()
	// Not below another's: the server removes folders that become empty.
	place = strings.ReplaceAll(prefix(t)+"-"+place, "/", "-")
	g := &ground{store: open(t, options(t, server, server.Location(place))), dir: filepath.Join(server.Dir, server.Bucket, place)}
	c.prepare(t, g)
	proxy := s3test.StartProxy(t, server)
	opts := options(t, server, proxy.Location(place))
	opts.Patience = patience
	s := open(t, opts)
	proxy.Break(func(n int, _ *http.Request) s3test.Fault { return fault(n) })
	err = c.run(t.Context(), s)
	if c.matches(err) {
		c.after(t, g)
	}
	return len(proxy.Requests()), err
}

func (c call) matches(err error) bool {
	if c.want == nil {
		return err == nil
	}
	return errors.Is(err, c.want)
}

// someCalls leaves most calls to the long run.
func someCalls() []call {
	all := calls()
	if !testing.Short() {
		return all
	}
	var some []call
	for i := 0; i < len(all); i += 4 {
		some = append(some, all[i])
	}
	return some
}

// TestPassingFaults breaks one request of each call, the n-th: the call must do
// what it does without.
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

// TestLastingFaults breaks all requests of each call from the n-th on: the error
// must say so, and never that an object is missing or too short.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	faults := []struct {
		name  string
		fault s3test.Fault
		want  error
	}{
		{"ResetBefore", s3test.ResetBefore, s3.ErrUnreachable},
		{"ResetAfter", s3test.ResetAfter, s3.ErrUnreachable},
		{"Truncate", s3test.Truncate, s3.ErrUnreachable},
		{"Unavailable", s3test.Unavailable, s3.ErrUnreachable},
		{"Denied", s3test.Denied, s3.ErrDenied},
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

// ended runs a call with another context.
func ended(ctx context.Context, run func(context.Context, store.Store) error) func(context.Context, store.Store) error {
	return func(_ context.Context, s store.Store) error { return run(ctx, s) }
}

// TestRacingWriters lets several hosts write one name while answers are lost:
// exactly one is told that it did, and its object stays.
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

// TestProbe finds out what servers do with the condition.
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
			testLooks(t, s, proxy, !tt.want)
		})
	}
}

// TestProbeLosesAnswers asks a server that ignores the condition, by a network
// that loses an answer: that must not look like a server that knows it.
func TestProbeLosesAnswers(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	proxy := s3test.StartProxy(t, server)
	proxy.Break(func(n int, _ *http.Request) s3test.Fault {
		if n == 2 { // the second object's
			return s3test.ResetBefore
		}
		return s3test.StripCondition
	})
	if got, err := open(t, options(t, server, proxy.Location(prefix(t)))).Probe(t.Context()); err != nil || got {
		t.Errorf("got %v, %v, want false", got, err)
	}
}

// testLooks sees that no object is replaced, and whether the store asks for its
// name first.
func testLooks(t *testing.T, s *s3.Store, proxy *s3test.Proxy, want bool) {
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
