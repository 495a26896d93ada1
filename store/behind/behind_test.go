package behind_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/store"
	"firn/store/behind"
	"firn/store/local"
	"firn/store/mem"
	"firn/store/storetest"
)

func TestBeforeMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, t.TempDir(), mem.New()) })
}

func TestBeforeLocal(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, t.TempDir(), createLocal(t)) })
}

// TestFilled runs the tests of a store with a spool in which an object waits, so that all others wait too.
func TestFilled(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]func(testing.TB) store.Store{
		"Memory": func(testing.TB) store.Store { return mem.New() },
		"Local":  func(t testing.TB) store.Store { return createLocal(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) store.Store {
				s := open(t, t.TempDir(), &noPuts{inner(t)})
				put(t, s, hidden)
				return without{s}
			})
		})
	}
}

// TestFilledByAnother is TestFilled, where another process has left the waiting object.
func TestFilledByAnother(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store {
		dir := t.TempDir()
		first := open(t, dir, &noPuts{mem.New()})
		put(t, first, hidden)
		closeStore(t, first)
		return without{open(t, dir, mem.New())}
	})
}

// noPuts is a store that is away for puts.
type noPuts struct{ store.Store }

func (*noPuts) Put(context.Context, string, []byte) error { return unreachable() }

// hidden is the name of an object that [without] leaves out of listings.
const hidden = "zz-hidden"

type without struct{ *behind.Store }

func (w without) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range w.Store.List(ctx, prefix) {
			if o.Name != hidden && !yield(o, err) {
				return
			}
		}
	}
}

func createLocal(t testing.TB) *local.Store {
	t.Helper()
	s, err := local.Create(filepath.Join(t.TempDir(), "repository"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, limit := range []int64{0, -1} {
		if _, err := behind.Open(dir, mem.New(), limit, behind.Options{}); err == nil {
			t.Errorf("limit %d: got nil, want an error", limit)
		}
	}
	if _, err := behind.Open(dir, mem.New(), 1, behind.Options{Patience: -1}); err == nil {
		t.Error("negative patience: got nil, want an error")
	}
	first := open(t, dir, mem.New())
	if _, err := behind.Open(dir, mem.New(), 1, behind.Options{}); !errors.Is(err, behind.ErrInUse) {
		t.Errorf("a folder in use: got %v, want ErrInUse", err)
	}
	closeStore(t, first)
	closeStore(t, first)
	put(t, first, "a") // goes to the store
	open(t, dir, mem.New())
}

func TestFolder(t *testing.T) {
	t.Parallel()
	if os.PathSeparator != '/' {
		t.Skip("the rights of other users are not judged here")
	}
	dir := filepath.Join(t.TempDir(), "var", "spool")
	s := openWith(t, dir, &noPuts{mem.New()}, 1<<20, behind.Options{})
	put(t, s, "a")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 { // and the lock
		t.Fatalf("got %v, %v, want two files", entries, err)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, entries[0].Name()): 0o600, filepath.Join(dir, "lock"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want mode %v", path, info.Mode(), err, want)
		}
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := behind.Open(open, mem.New(), 1, behind.Options{}); err == nil {
		t.Error("a folder that all users can write: got nil, want an error")
	}
}

// TestDamaged opens a spool with files that were torn, changed or renamed.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPlace()
	p.goAwayForPuts()
	s := open(t, dir, p)
	put(t, s, "a", "b", "c", "d", "e")
	closeStore(t, s)
	file := func(n string) string { return filepath.Join(dir, "000000000000000"+n+".put") }
	change(t, file("1"), func(b []byte) []byte { return b[:len(b)-1] })
	change(t, file("2"), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	change(t, file("3"), func(b []byte) []byte { b[42] ^= 1; return b }) // the name
	change(t, file("4"), func(b []byte) []byte { return b[:0] })
	write(t, filepath.Join(dir, "0000000000000009.tmp"), "half")
	write(t, filepath.Join(dir, "foreign"), "x")
	var warnings []string
	s = openWith(t, dir, p, 1<<20, behind.Options{Warn: func(format string, _ ...any) { warnings = append(warnings, format) }})
	wantWaiting(t, s, 1)
	if got := s.Damaged(); len(got) != 4 || len(warnings) != 4 || !strings.HasSuffix(got[3], "0000000000000004.damaged") {
		t.Errorf("got damaged files %q and %d warnings, want 4", got, len(warnings))
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, err := s.Get(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: got %v, want fs.ErrNotExist", name, err)
		}
	}
	put(t, s, "a") // may be put again
	p.comeBack()
	drain(t, s)
	wantNames(t, p.arrived(), "e", "a")
	closeStore(t, s)
	if got := open(t, dir, p).Damaged(); len(got) != 4 {
		t.Errorf("the next process: got %q, want the 4 damaged files", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 6 { // four, foreign, and the lock
		t.Errorf("got files %q, %v, want 6", left, err)
	}
}

// TestDamagedLater damages and removes files of an open spool. A drain goes on with the next.
func TestDamagedLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPlace()
	p.goAwayForPuts()
	s := open(t, dir, p)
	put(t, s, "a", "b", "c")
	change(t, filepath.Join(dir, "0000000000000001.put"), func(b []byte) []byte { b[50] ^= 1; return b })
	if err := os.Remove(filepath.Join(dir, "0000000000000002.put")); err != nil {
		t.Fatal(err)
	}
	p.comeBack()
	drain(t, s)
	wantNames(t, p.arrived(), "c")
	wantWaiting(t, s, 0)
	if got := s.Damaged(); len(got) != 1 {
		t.Errorf("got %q, want the one that is there", got)
	}
}

// TestTwice opens a spool with two files for one object.
func TestTwice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		content string
		damaged int
	}{{"Same", "content of a", 0}, {"Other", "other", 1}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), t.TempDir()
			first, second := open(t, dir, &noPuts{mem.New()}), open(t, other, &noPuts{mem.New()})
			put(t, first, "a", "b")
			if err := second.Put(t.Context(), "a", []byte(tt.content)); err != nil {
				t.Fatal(err)
			}
			closeStore(t, first)
			if err := os.Rename(filepath.Join(other, "0000000000000001.put"), filepath.Join(dir, "0000000000000007.put")); err != nil {
				t.Fatal(err)
			}
			p := newPlace()
			s := open(t, dir, p)
			wantWaiting(t, s, 2)
			drain(t, s)
			wantNames(t, p.arrived(), "a", "b")
			want(t, p, "a", "b")
			if got := s.Damaged(); len(got) != tt.damaged {
				t.Errorf("got damaged files %q, want %d", got, tt.damaged)
			}
		})
	}
}

// TestPassedThrough checks the powers of the store behind.
func TestPassedThrough(t *testing.T) {
	t.Parallel()
	plain := open(t, t.TempDir(), mem.New())
	if d := plain.LockDuration(); d != 0 {
		t.Errorf("LockDuration() = %v of a store without locks, want 0", d)
	}
	if err := plain.Lock(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if n, err := plain.Clean(t.Context(), time.Time{}); n != 0 || err != nil {
		t.Errorf("Clean() = %d, %v, want 0", n, err)
	}
	p := &powers{Store: mem.New()}
	s := open(t, t.TempDir(), p)
	if d := s.LockDuration(); d != time.Hour {
		t.Errorf("LockDuration() = %v, want an hour", d)
	}
	if err := s.Lock(t.Context(), "a", "b"); err != nil || p.locked != 2 {
		t.Errorf("got %d locked, %v, want 2", p.locked, err)
	}
	if n, err := s.Clean(t.Context(), time.Time{}); n != 7 || err != nil {
		t.Errorf("Clean() = %d, %v, want 7", n, err)
	}
}

// powers is a store with locks and temporary files.
type powers struct {
	store.Store
	locked int
}

func (*powers) LockDuration() time.Duration { return time.Hour }

func (p *powers) Lock(_ context.Context, names ...string) error {
	p.locked += len(names)
	return nil
}

func (*powers) Clean(context.Context, time.Time) (int, error) { return 7, nil }

func change(t testing.TB, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(f(b)))
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
