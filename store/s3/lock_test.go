package s3_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"firn/internal/s3test"
	"firn/store"
	"firn/store/s3"
)

const day = 24 * time.Hour

// lockedStore opens a store that locks its objects for a time.
func lockedStore(t *testing.T, server *s3test.Server, lock time.Duration, mode s3.LockMode) *s3.Store {
	t.Helper()
	opts := options(t, server, server.Location(prefix(t)))
	opts.Lock, opts.LockMode = lock, mode
	return open(t, opts)
}

// retention returns mode and end of an object's lock.
func retention(t *testing.T, server *s3test.Server, name string) (string, time.Time) {
	t.Helper()
	info, err := server.Client(t).StatObject(t.Context(), server.Bucket, prefix(t)+"/"+name, minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if err != nil {
		t.Fatalf("%s is not locked: %v", name, err)
	}
	return info.Metadata.Get("X-Amz-Object-Lock-Mode"), until
}

func TestLock(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{Lock: true})
	for mode, want := range map[s3.LockMode]string{s3.Compliance: "COMPLIANCE", s3.Governance: "GOVERNANCE"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			began := time.Now().Truncate(time.Second)
			if err := lockedStore(t, server, day, mode).Put(t.Context(), target, []byte("content")); err != nil {
				t.Fatal(err)
			}
			if mode, until := retention(t, server, target); mode != want || until.Before(began.Add(day)) || until.After(time.Now().Add(day)) {
				t.Errorf("got %s until %v, want %s for a day from %v on", mode, until, want, began)
			}
			s := lockedStore(t, server, 30*day, mode)
			if err := s.Lock(t.Context(), target, "meta/gone"); err != nil {
				t.Fatal(err)
			}
			if mode, until := retention(t, server, target); mode != want || until.Before(began.Add(30*day)) {
				t.Errorf("renewed: got %s until %v, want %s for 30 days from %v on", mode, until, want, began)
			}
			testKept(t, server, s)
		})
	}
}

// testKept deletes an object. The store then no longer shows it, but the server
// keeps its content.
func testKept(t *testing.T, server *s3test.Server, s *s3.Store) {
	t.Helper()
	client, key := server.Client(t), prefix(t)+"/"+target
	info, err := client.StatObject(t.Context(), server.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = client.RemoveObject(t.Context(), server.Bucket, key, minio.RemoveObjectOptions{VersionID: info.VersionID})
	if err == nil {
		t.Error("a locked version can be deleted")
	}
	if err := s.Delete(t.Context(), target, "meta/other"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), target, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Delete: got %v, want fs.ErrNotExist", err)
	}
	_, err = client.StatObject(t.Context(), server.Bucket, key, minio.StatObjectOptions{VersionID: info.VersionID})
	if err != nil {
		t.Errorf("the locked version is gone: %v", err)
	}
	if err := s.Lock(t.Context(), target); err != nil {
		t.Errorf("Lock of what is deleted: got %v, want nil", err)
	}
}

// TestNoLock uses a bucket that allows no locks.
func TestNoLock(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	if err := open(t, options(t, server, server.Location(prefix(t)))).Put(t.Context(), "meta/a", nil); err != nil {
		t.Fatal(err)
	}
	s := lockedStore(t, server, day, s3.Compliance)
	if err := s.Put(t.Context(), "meta/b", nil); !errors.Is(err, store.ErrLock) {
		t.Errorf("Put: got %v, want store.ErrLock", err)
	}
	if err := s.Lock(t.Context(), "meta/a"); !errors.Is(err, store.ErrLock) {
		t.Errorf("Lock: got %v, want store.ErrLock", err)
	}
}

// TestGhost puts an object again that was deleted from a bucket that keeps
// versions. This server always refuses that, other servers do not. Put must give
// up soon.
func TestGhost(t *testing.T) {
	t.Parallel()
	s := lockedStore(t, s3test.Start(t, s3test.Options{Lock: true}), 0, s3.Compliance)
	if err := s.Put(t.Context(), target, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	before := s.Traffic().Puts
	err := s.Put(t.Context(), target, []byte("content"))
	if err == nil || !strings.Contains(err.Error(), "use another prefix") || errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want the advice to use another prefix", err)
	}
	if got := s.Traffic().Puts - before; got > 3 {
		t.Errorf("got %d attempts, want 3", got)
	}
}
