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
	"testing"
	"time"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
)

// call is a call of a store's method while its requests break.
type call struct {
	name    string
	prepare func(t *testing.T, f *fixture)
	run     func(ctx context.Context, s store.Store) error // also compares the result
	want    error                                          // nil, or what the error must match
	after   func(t *testing.T, f *fixture)                 // checks the objects afterwards
}

// fixture is the location of one attempt, with a store that has no faults.
type fixture struct {
	store *s3.Store
	dir   string // the server's folder with the objects as files
}

const (
	target = "packs/ab/abcd"
	// listed is the number of objects to list and to delete. They take two
	// pages.
	listed = 1050
)

func calls() []call {
	small, large := content(1, 100), content(2, 5<<20)
	nothing := func(*testing.T, *fixture) {}
	return []call{
		{"PutSmall", nothing, putting(small), nil, wantsContent(small)},
		{"PutLarge", nothing, putting(large), nil, wantsContent(large)},
		{"PutTaken", putsTarget(small), putting(content(3, 100)), fs.ErrExist, wantsContent(small)},
		{"PutLargeTaken", putsTarget(small), putting(content(3, 20<<20)), fs.ErrExist, wantsContent(small)},
		{"Get", putsTarget(large), getting(0, -1, large), nil, nothing},
		{"GetRange", putsTarget(large), getting(5, 70_000, large[5:70_005]), nil, nothing},
		{"GetSuffix", putsTarget(large), getting(-70_000, -1, large[len(large)-70_000:]), nil, nothing},
		{"GetNothing", putsTarget(small), getting(100, 0, []byte{}), nil, nothing},
		{"GetBehind", putsTarget(small), getting(50, 51, nil), io.ErrUnexpectedEOF, nothing},
		{"GetMissing", nothing, getting(0, -1, nil), fs.ErrNotExist, nothing},
		{"List", crowd, listing, nil, nothing},
		{"DeleteOne", putsTarget(small), func(ctx context.Context, s store.Store) error { return s.Delete(ctx, target) }, nil, wantsEmpty},
		{"DeleteMany", crowd, func(ctx context.Context, s store.Store) error { return s.Delete(ctx, crowdNames()...) }, nil, wantsEmpty},
	}
}

// content returns random bytes.
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

// listing checks that the store lists exactly the crowd, in order, each object
// once.
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

func putsTarget(b []byte) func(*testing.T, *fixture) {
	return func(t *testing.T, f *fixture) {
		if err := f.store.Put(t.Context(), target, b); err != nil {
			t.Fatal(err)
		}
	}
}

// crowd makes many objects quickly, as files: the server keeps its objects as
// files.
func crowd(t *testing.T, f *fixture) {
	if err := os.MkdirAll(filepath.Join(f.dir, "packs", "cd"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range crowdNames() {
		if err := os.WriteFile(filepath.Join(f.dir, filepath.FromSlash(name)), nil, 0o600); err != nil {
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

func wantsContent(want []byte) func(*testing.T, *fixture) {
	return func(t *testing.T, f *fixture) {
		if got, err := f.store.Get(t.Context(), target, 0, -1); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the object has %d other bytes (%v), want %d", len(got), err, len(want))
		}
	}
}

func wantsEmpty(t *testing.T, f *fixture) {
	for o, err := range f.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s is still there", o.Name)
	}
}

// attempt makes the call once, at a location of its own, through a proxy that
// breaks requests. It returns the number of requests.
func (c call) attempt(t *testing.T, server *s3test.Server, location string, patience time.Duration, fault func(n int) s3test.Fault) (requests int, err error) {
	t.Helper()
	// The location must not be below another one: the server removes folders
	// that become empty.
	location = strings.ReplaceAll(prefix(t)+"-"+location, "/", "-")
	f := &fixture{store: open(t, options(t, server, server.Location(location))), dir: filepath.Join(server.Dir, server.Bucket, location)}
	c.prepare(t, f)
	proxy := s3test.StartProxy(t, server)
	opts := options(t, server, proxy.Location(location))
	opts.Patience = patience
	s := open(t, opts)
	proxy.Break(func(n int, _ *http.Request) s3test.Fault { return fault(n) })
	err = c.run(t.Context(), s)
	if c.matches(err) {
		c.after(t, f)
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
