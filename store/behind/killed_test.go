package behind_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/store"
	"firn/store/behind"
	"firn/store/local"
)

// TestKilled kills a process in the midst of its puts and drains, several times over one spool. No confirmed object may be
// lost, and the objects must have come to the store in their order.
func TestKilled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("FIRN_TEST_PUT_BEHIND"); dir != "" {
		putForever(t, dir)
	}
	dir := t.TempDir()
	var confirmed []string
	for round := range 6 {
		confirmed = append(confirmed, killAfter(t, dir, round, 10+round*7)...)
	}
	inner, err := local.Create(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "spool"), inner)
	for _, name := range confirmed {
		wantBig(t, s, name)
	}
	if got := s.Damaged(); len(got) > 0 {
		t.Errorf("got damaged files %q, want none", got)
	}
	drain(t, s)
	all := list(t, inner, "")
	for _, name := range all {
		wantBig(t, inner, name)
	}
	for _, name := range confirmed {
		if !slices.Contains(all, name) {
			t.Errorf("%s was confirmed and is missing", name)
		}
	}
	wantOrder(t, dir, all)
	if err := inner.Close(); err != nil {
		t.Error(err)
	}
}

// killAfter runs a process until it has confirmed n objects, kills it, and returns their names.
func killAfter(t *testing.T, dir string, round, n int) (confirmed []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "FIRN_TEST_PUT_BEHIND="+dir, fmt.Sprint("FIRN_TEST_ROUND=", round))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for len(confirmed) < n && lines.Scan() {
		confirmed = append(confirmed, lines.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // returns the kill as an error
	if len(confirmed) < n {
		t.Fatalf("the process ended after %q", confirmed)
	}
	return confirmed
}

// flapping is a local store that takes five puts, then refuses five, and so on. It notes each put that begins, in a file
// that outlives the process.
type flapping struct {
	store.Store
	log   *os.File
	calls int
}

func (f *flapping) Put(ctx context.Context, name string, data []byte) error {
	if f.calls++; f.calls/5%2 == 1 {
		return unreachable()
	}
	if _, err := fmt.Fprintln(f.log, name); err != nil {
		return err
	}
	return f.Store.Put(ctx, name, data)
}

// putForever puts objects in one goroutine, and drains now and then.
func putForever(t *testing.T, dir string) {
	inner, err := local.Create(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s, err := behind.Open(filepath.Join(dir, "spool"), &flapping{Store: inner, log: log}, 1<<30, behind.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1_000_000 { // or until the pipe of the standard output breaks
		name := fmt.Sprintf("packs/%s/%08d", os.Getenv("FIRN_TEST_ROUND"), i)
		if err := s.Put(t.Context(), name, bigContent(name)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(name)
		if i%7 == 6 {
			_ = s.Drain(t.Context()) // until the store refuses again
		}
	}
}

func bigContent(name string) []byte { return bytes.Repeat([]byte(name), 5_000) }

func wantBig(t *testing.T, s store.Store, name string) {
	t.Helper()
	if got, err := s.Get(t.Context(), name, 0, -1); err != nil || !bytes.Equal(got, bigContent(name)) {
		t.Errorf("%s: got %d bytes, %v, want it whole", name, len(got), err)
	}
}

// wantOrder checks that the puts to the store began in the order of the names, repetitions after a kill left out.
func wantOrder(t *testing.T, dir string, all []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	begun := slices.Compact(strings.Fields(string(b)))
	if !slices.IsSorted(begun) || len(begun) == 0 {
		t.Errorf("puts began in the order %q, of the objects %q", begun, all)
	}
}
