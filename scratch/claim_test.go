//go:build unix

package scratch_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/scratch"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := scratch.Take(filepath.Join(dir, "a.db"))
	if err != nil || a == nil {
		t.Fatalf("got %v, %v", a, err)
	}
	if _, err := scratch.Take(filepath.Join(dir, "a.db")); !errors.Is(err, scratch.ErrClaimed) {
		t.Errorf("again: got %v, want ErrClaimed", err)
	}
	b, err := scratch.Take(filepath.Join(dir, "b.db"))
	if err != nil {
		t.Errorf("another file: %v", err)
	}
	for _, c := range []*scratch.Claim{a, b, nil} {
		if err := c.Release(); err != nil {
			t.Error(err)
		}
	}
	again, err := scratch.Take(filepath.Join(dir, "a.db"))
	if err := errors.Join(err, again.Release()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestClaimLeftBehind kills a process, so that the folder of its claim stays, and puts other files in the folder's
// place.
func TestClaimLeftBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave   func(path string) error
		claimed bool
	}{
		"Folder": {func(path string) error { return os.Mkdir(path, 0o755) }, true},
		"File":   {func(path string) error { return os.WriteFile(path, nil, 0o600) }, false},
		"Link":   {func(path string) error { return os.Symlink(".", path) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, err := scratch.Take(filepath.Join(dir, "a.db"))
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Fatalf("got %v, %v", entries, err)
			}
			path := filepath.Join(dir, entries[0].Name())
			if err := errors.Join(first.Release(), c.leave(path)); err != nil {
				t.Fatal(err)
			}
			got, err := scratch.Take(filepath.Join(dir, "a.db"))
			if err != nil || (got != nil) != c.claimed {
				t.Errorf("got %v, %v, want a claim: %t", got, err, c.claimed)
			}
			if err := got.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClaimSwept has a sweep remove the claim of a killed process, but no claim that is held or young.
func TestClaimSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := scratch.Take(filepath.Join(dir, "held.db"))
	if err != nil {
		t.Fatal(err)
	}
	lost := filepath.Join(dir, ".firn-claim-0123456789abcdef")
	if err := os.Mkdir(lost, 0o755); err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]int{time.Minute: 0, 2 * time.Hour: 1} {
		if removed, err := scratch.Sweep(dir, time.Now().Add(age), 0); len(removed) != want || err != nil {
			t.Errorf("after %v: removed %v, %v, want %d", age, removed, err, want)
		}
		if want == 0 {
			continue
		}
		if err := os.Mkdir(lost, 0o755); err != nil { // for the other age, in any order
			t.Fatal(err)
		}
	}
	if err := held.Release(); err != nil {
		t.Error(err)
	}
}

// TestClaimOne has many goroutines claim a file and let go of it: never do two have it.
func TestClaimOne(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.db")
	var holders, taken atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				c, err := scratch.Take(file)
				if errors.Is(err, scratch.ErrClaimed) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				taken.Add(1)
				if holders.Add(1) > 1 {
					t.Error("two have the file")
				}
				holders.Add(-1)
				if err := c.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if taken.Load() == 0 {
		t.Error("none had it")
	}
}
