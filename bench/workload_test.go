package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newDatabase makes a small database and returns its path.
func newDatabase(t *testing.T, seed int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	mustAct(t, "create", path, 8<<20, seed)
	return path
}

func mustAct(t *testing.T, action, path string, n ...int64) int64 {
	t.Helper()
	var args [3]int64
	copy(args[:], n)
	result, err := act(action, path, args)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return result
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWorkloadIsDeterministic(t *testing.T) {
	t.Parallel()
	a, b := newDatabase(t, 7), newDatabase(t, 7)
	for n := range int64(2) {
		mustAct(t, "tick", a, 7, n)
		mustAct(t, "tick", b, 7, n)
	}
	if !bytes.Equal(readFile(t, a), readFile(t, b)) {
		t.Error("the same seed made two databases")
	}
	if got := mustAct(t, "count", a); got == 0 {
		t.Error("got no rows")
	}
}

func TestPagesChangesThatManyPages(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, 1)
	var sums pageSums
	if _, err := sums.update(path); err != nil {
		t.Fatal(err)
	}
	for n := range int64(2) {
		mustAct(t, "pages", path, 1, n, 40)
		got, err := sums.update(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := 40; got != want {
			t.Errorf("pages changed: got %d, want %d", got, want)
		}
	}
}

func TestPagesRefusesTooMany(t *testing.T) {
	t.Parallel()
	if _, err := act("pages", newDatabase(t, 1), [3]int64{1, 0, 4000}); err == nil {
		t.Error("got no error")
	}
}

func TestMedianTakesEachFigureAlone(t *testing.T) {
	t.Parallel()
	got := median([]cost{{wall: 3 * time.Second, rss: 10}, {wall: time.Second, rss: 30}, {wall: 2 * time.Second, rss: 20}})
	if want := (cost{wall: 2 * time.Second, rss: 20}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
