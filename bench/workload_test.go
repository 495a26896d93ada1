package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary also serve as the workload's process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workloadArg {
		if err := runWorkload(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// newDatabase makes a small database and returns its path.
func newDatabase(t *testing.T, seed int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	mustAct(t, "create", path, 8<<20, seed)
	return path
}

func mustAct(t *testing.T, action, path string, n ...int64) int64 {
	t.Helper()
	db, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var args [3]int64
	copy(args[:], n)
	result, err := act(db, action, args)
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
	a, err := openApplication(newDatabase(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 { // enough that SQLite begins the WAL anew
		got, err := a.do("pages", 1, n, 40)
		if err != nil {
			t.Fatal(err)
		}
		if want := 40; got != want {
			t.Errorf("pages changed: got %d, want %d", got, want)
		}
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}

func TestPagesRefusesTooMany(t *testing.T) {
	t.Parallel()
	a, err := openApplication(newDatabase(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.do("pages", 1, 0, 4000); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("got %v, want that pages are too many", err)
	}
}

func TestOpenApplicationKeepsTheWAL(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, 1)
	a, err := openApplication(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.do("tick", 1, 0); err != nil {
		t.Fatal(err)
	}
	mustAct(t, "count", path) // opens and closes the database, as another program would
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("got %v, want a WAL", err)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}
