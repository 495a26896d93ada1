package behind_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"firn/store"
	"firn/store/behind"
	"firn/store/mem"
)

// place is a store in memory that can be away, in the way that away says for each call.
type place struct {
	*mem.Store

	mu   sync.Mutex
	away func(op string) error // nil for present
	puts []string              // names that came to the store
}

func newPlace() *place { return &place{Store: mem.New()} }

// goAway makes every call fail with err.
func (p *place) goAway(err error) { p.fail(func(string) error { return err }) }

// goAwayForPuts makes puts fail.
func (p *place) goAwayForPuts() {
	p.fail(func(op string) error {
		if op == "put" {
			return unreachable()
		}
		return nil
	})
}

func (p *place) comeBack() { p.fail(func(string) error { return nil }) }

func (p *place) fail(away func(op string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

func (p *place) call(op string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away == nil {
		return nil
	}
	return p.away(op)
}

func (p *place) Put(ctx context.Context, name string, data []byte) error {
	if err := p.call("put"); err != nil {
		return err
	}
	err := p.Store.Put(ctx, name, data)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.puts = append(p.puts, name)
	}
	return err
}

func (p *place) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if err := p.call("get"); err != nil {
		return nil, err
	}
	return p.Store.Get(ctx, name, off, length)
}

func (p *place) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	if err := p.call("list"); err != nil {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, err) }
	}
	return p.Store.List(ctx, prefix)
}

func (p *place) Delete(ctx context.Context, names ...string) error {
	if err := p.call("delete"); err != nil {
		return err
	}
	return p.Store.Delete(ctx, names...)
}

// arrived returns the names in the order in which they came to the store.
func (p *place) arrived() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.puts)
}

func unreachable() error { return fmt.Errorf("%w: no route to host", store.ErrUnreachable) }

func open(t testing.TB, dir string, of store.Store) *behind.Store {
	t.Helper()
	return openWith(t, dir, of, 1<<30, behind.Options{Warn: t.Logf})
}

func openWith(t testing.TB, dir string, of store.Store, limit int64, opts behind.Options) *behind.Store {
	t.Helper()
	s, err := behind.Open(dir, of, limit, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *behind.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func put(t testing.TB, s store.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := s.Put(t.Context(), name, content(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// content returns the bytes that the tests put under a name.
func content(name string) []byte { return []byte("content of " + name) }

func drain(t testing.TB, s *behind.Store) {
	t.Helper()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// want checks the bytes of the named objects.
func want(t testing.TB, s store.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if got, err := s.Get(t.Context(), name, 0, -1); err != nil || string(got) != string(content(name)) {
			t.Errorf("get %s: got %q, %v, want what was put", name, got, err)
		}
	}
}

// wantWaiting checks how many objects wait.
func wantWaiting(t testing.TB, s *behind.Store, want int) {
	t.Helper()
	got, bytes, since := s.Waiting()
	if got != want || (bytes == 0) != (want == 0) || since.IsZero() != (want == 0) {
		t.Errorf("Waiting() = %d, %d, %v, want %d objects", got, bytes, since, want)
	}
}

func list(t testing.TB, s store.Store, prefix string) []string {
	t.Helper()
	var names []string
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Name)
	}
	return names
}

func wantNames(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
