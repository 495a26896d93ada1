package local_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"firn/store/local"
)

func TestClean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	now := time.Now()
	limit := now.Add(-time.Hour)
	if n, err := s.Clean(t.Context(), limit); n != 0 || err != nil {
		t.Errorf("Clean of a new store = %d, %v, want 0", n, err)
	}
	put(t, s, "meta/old", "x")
	for name, age := range map[string]time.Duration{
		".tmp/put.OLD": 2 * time.Hour, ".tmp/claim.meta.old": 2 * time.Hour, ".tmp/put.EDGE": time.Hour,
		".tmp/put.NEW": time.Minute, ".tmp/claim.meta.new": time.Minute, ".tmp/put.FUTURE": -time.Hour,
		".tmp/foreign": 2 * time.Hour, ".tmp/put.folder/x": 2 * time.Hour, "meta/old": 2 * time.Hour, "put.OLD": 2 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		write(t, path, "x")
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, s, "", "meta/old")
	if n, err := s.Clean(t.Context(), limit); n != 2 || err != nil {
		t.Errorf("Clean = %d, %v, want 2", n, err)
	}
	wantFiles(t, dir, ".tmp/claim.meta.new", ".tmp/foreign", ".tmp/put.EDGE", ".tmp/put.FUTURE", ".tmp/put.NEW",
		".tmp/put.folder/x", "meta/old", "put.OLD")
}

func TestCleanCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := create(t, t.TempDir()).Clean(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// TestDiedBeforeRemove lists and cleans after a writer that died between giving
// the final name and removing the temporary one, so that one file has two names.
func TestDiedBeforeRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	put(t, s, "meta/a", "whole")
	if err := os.Link(filepath.Join(dir, "meta/a"), filepath.Join(dir, ".tmp/put.A")); err != nil {
		t.Skip("no hard links here: ", err)
	}
	wantNames(t, s, "", "meta/a")
	if n, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("Clean = %d, %v, want 1", n, err)
	}
	if got, err := s.Get(t.Context(), "meta/a", 0, -1); string(got) != "whole" || err != nil {
		t.Errorf("got %q, %v, want the object whole", got, err)
	}
}

// TestKilled kills a process in the midst of its puts, and checks the objects and
// files that it left.
func TestKilled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("FIRN_TEST_PUT_INTO"); dir != "" {
		putForever(t, dir)
	}
	for round := range 5 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "FIRN_TEST_PUT_INTO="+dir)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var acknowledged []string
		for len(acknowledged) < 10+round*7 && lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // returns the kill as an error
		wantWhole(t, dir, acknowledged)
	}
}

// content returns the bytes that the killed process puts under every name.
func content() []byte { return bytes.Repeat([]byte("firn"), 100_000) }

func putForever(t *testing.T, dir string) {
	s := create(t, dir)
	for i := range 1_000_000 { // or until the pipe of the standard output breaks
		name := fmt.Sprintf("packs/%02x/%08x", i%256, i)
		if err := s.Put(t.Context(), name, content()); err != nil {
			t.Fatal(err)
		}
		fmt.Println(name)
	}
}

// wantWhole checks that all acknowledged objects exist, that every object is
// whole, and that nothing else remains after a Clean.
func wantWhole(t *testing.T, dir string, acknowledged []string) {
	t.Helper()
	s, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(acknowledged) == 0 {
		t.Error("no object was acknowledged")
	}
	for _, name := range acknowledged {
		if _, err := s.Get(t.Context(), name, 0, 0); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was acknowledged and is missing", name)
		}
	}
	all, err := list(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if got, err := s.Get(t.Context(), name, 0, -1); err != nil || !bytes.Equal(got, content()) {
			t.Errorf("%s: got %d bytes, %v, want it whole", name, len(got), err)
		}
	}
	if n, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); n > 1 || err != nil {
		t.Errorf("Clean = %d, %v, want at most the one that was being written", n, err)
	}
	wantFiles(t, dir, all...)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
