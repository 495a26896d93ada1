package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"firn/store"
	"firn/store/storetest"
)

// createWithoutLinks returns a store as on a file system without hard links.
func createWithoutLinks(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.link = func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	}
	return s
}

func TestWithoutLinks(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Store { return createWithoutLinks(t, t.TempDir()) })
}

func TestWithoutLinksNothingRemains(t *testing.T) {
	t.Parallel()
	s := createWithoutLinks(t, t.TempDir())
	for _, want := range []error{nil, fs.ErrExist} {
		if err := s.Put(t.Context(), "meta/a", []byte("x")); !errors.Is(err, want) {
			t.Errorf("Put: got %v, want %v", err, want)
		}
	}
	wantTemporary(t, s, 0)
}

// TestWithoutLinksProcesses runs writers that share no lock in memory. No writer
// may replace the object of another.
func TestWithoutLinksProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 20 {
		name := fmt.Sprintf("meta/%d", round)
		var mu sync.Mutex
		var winners []string
		var wg sync.WaitGroup
		for i := range 8 {
			s := createWithoutLinks(t, dir)
			wg.Go(func() {
				content := fmt.Sprint(i)
				if s.Put(t.Context(), name, []byte(content)) == nil {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, content)
				}
			})
		}
		wg.Wait()
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(winners) != 1 || winners[0] != string(got) {
			t.Errorf("%s: got %q, %v, want that of the one winner of %q", name, got, err, winners)
		}
	}
}

// TestWithoutLinksClaimLeft puts an object whose name a dead writer has claimed.
// Put fails, with an error that does not say that the object exists, until the
// claim is cleaned.
func TestWithoutLinksClaimLeft(t *testing.T) {
	t.Parallel()
	s := createWithoutLinks(t, t.TempDir())
	if err := s.Put(t.Context(), "meta/b", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.root.WriteFile(".tmp/claim.meta.a", nil, fileMode); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "meta/a", nil); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Put: got %v, want an error that is not fs.ErrExist", err)
	}
	if n, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("Clean = %d, %v, want 1", n, err)
	}
	if err := s.Put(t.Context(), "meta/a", nil); err != nil {
		t.Errorf("Put after Clean: %v", err)
	}
	wantTemporary(t, s, 0)
}

// TestCleanedWriter lets a Clean remove the temporary file of a live writer.
func TestCleanedWriter(t *testing.T) {
	t.Parallel()
	s := createWithoutLinks(t, t.TempDir())
	link := s.root.Link
	s.link = func(from, to string) error {
		if n, err := s.Clean(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
			t.Errorf("Clean = %d, %v, want 1", n, err)
		}
		return link(from, to)
	}
	if err := s.Put(t.Context(), "meta/a", []byte("x")); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Put: got %v, want an error that is not fs.ErrExist", err)
	}
	if _, err := s.Get(t.Context(), "meta/a", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get: got %v, want fs.ErrNotExist", err)
	}
	wantTemporary(t, s, 0)
}

func wantTemporary(t *testing.T, s *Store, want int) {
	t.Helper()
	files, err := fs.ReadDir(s.root.FS(), temporaryFolder)
	if err != nil || len(files) != want {
		t.Errorf("temporary files: got %v, %v, want %d", files, err, want)
	}
}
