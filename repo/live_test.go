package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/repo"
	"firn/store/mem"
	"firn/store/storetest"
)

// liveImage holds its source up until it was read to its end.
type liveImage struct {
	*image
	source *liveSource
}

func (i *liveImage) Live() bool { return i.source.live.Load() }

func (i *liveImage) Read(p []byte) (int, error) {
	i.source.reading.Store(true)
	n, err := i.image.Read(p)
	if errors.Is(err, io.EOF) {
		i.source.let()
	}
	return n, err
}

func (i *liveImage) Close() error {
	i.source.let()
	return nil
}

// liveSource is a database in use.
type liveSource struct {
	b             []byte
	print         string
	live, reading atomic.Bool
	once          sync.Once
	ended         chan struct{} // closed when an image was read to its end
}

func newLiveSource(b []byte, print string) *liveSource {
	return &liveSource{b: b, print: print, ended: make(chan struct{})}
}

func (s *liveSource) open(context.Context) (repo.SourceImage, error) {
	s.live.Store(true)
	return &liveImage{&image{Reader: bytes.NewReader(s.b), fingerprint: s.print}, s}, nil
}

// let lets the source go on.
func (s *liveSource) let() {
	s.live.Store(false)
	if s.reading.Load() {
		s.once.Do(func() { close(s.ended) })
	}
}

// await waits until the source was let go, and fails after a time that no run takes.
func (s *liveSource) await(t testing.TB, also <-chan struct{}) {
	select {
	case <-s.ended:
	case <-also:
	case <-time.After(time.Minute):
		t.Error("the source is held up by the store")
		s.let()
	}
}

// slowly makes a repository whose store takes and gives nothing, from when the image is read, before the source has been
// let go or also is closed. It has one snapshot, whose blobs are the bases of the next one's.
func slowly(t *testing.T, source *liveSource, before []byte, opts repo.Options, also <-chan struct{}) *repo.Repo {
	t.Helper()
	st := mem.New()
	take(t, newRepo(t, st), "production", before)
	opts.Store = storetest.NewHooked(st, func(string, string) {
		if source.reading.Load() {
			source.await(t, also)
		}
	})
	return openAs(t, opts)
}

// TestSlowStoreDoesNotHoldTheSourceUp reads an image to its end before the store does anything at all.
func TestSlowStoreDoesNotHoldTheSourceUp(t *testing.T) {
	t.Parallel()
	before := pages(1, 1500)
	tests := map[string][]byte{
		"Changed": touch(before, 2, 700),
		"Grown":   append(touch(before, 3, 50), pages(4, 700)...),
		"Other":   pages(5, 1500),
		"Same":    before,
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := newLiveSource(b, "")
			opts := options(nil)
			opts.TempDir = t.TempDir()
			r := slowly(t, source, before, opts, nil)
			var progress int64
			result, err := r.Backup(t.Context(), source.open, repo.BackupOptions{
				Environment: "production", Database: "app",
				Progress: func(n int64) { progress = n },
				HeldUp:   func(err error) { t.Errorf("held up: %v", err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := restore(t, r, result.Snapshot); !bytes.Equal(got, b) {
				t.Error("the snapshot differs from the image")
			}
			if progress != int64(len(b)) {
				t.Errorf("progress: got %d, want %d", progress, len(b))
			}
			if left, err := filepath.Glob(filepath.Join(opts.TempDir, "*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestHeldUpIsSaid leaves no room for chunks that the store cannot take yet: the source waits, HeldUp is called, and all is
// stored.
func TestHeldUpIsSaid(t *testing.T) {
	t.Parallel()
	before := pages(1, 1500)
	b := touch(before, 2, 700)
	source, said := newLiveSource(b, ""), make(chan struct{})
	opts := options(nil)
	opts.TempDir = filepath.Join(t.TempDir(), "missing")
	r := slowly(t, source, before, opts, said)
	var reasons []error
	result, err := r.Backup(t.Context(), source.open, repo.BackupOptions{
		Environment: "production", Database: "app",
		HeldUp: func(err error) { reasons = append(reasons, err); close(said) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(reasons) != 1 || !strings.Contains(reasons[0].Error(), opts.TempDir) {
		t.Errorf("said: got %v, want the folder, once", reasons)
	}
	if got := restore(t, r, result.Snapshot); !bytes.Equal(got, b) {
		t.Error("the snapshot differs from the image")
	}
}

// TestInterruptedWhileChunksAreAside ends a run between the reading and the storing.
func TestInterruptedWhileChunksAreAside(t *testing.T) {
	t.Parallel()
	before := pages(1, 1500)
	source := newLiveSource(touch(before, 2, 700), "")
	st := mem.New()
	take(t, newRepo(t, st), "production", before)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opts := options(storetest.NewHooked(st, func(string, string) {
		if source.reading.Load() {
			source.await(t, nil)
			cancel()
		}
	}))
	opts.TempDir = t.TempDir()
	_, err := openAs(t, opts).Backup(ctx, source.open, repo.BackupOptions{Environment: "production", Database: "app"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the run was interrupted", err)
	}
	if left, err := filepath.Glob(filepath.Join(opts.TempDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestStoreIsNotAskedWhileTheSourceWaits checks that no image is open while a run waits for reads of the store.
func TestStoreIsNotAskedWhileTheSourceWaits(t *testing.T) {
	t.Parallel()
	b := pages(1, 300)
	tests := map[string]struct {
		opts  repo.BackupOptions
		print string
		b     []byte
	}{
		"Unchanged": {print: "first", b: b},
		"Changed":   {print: "second", b: touch(b, 2, 3)},
		"ForceScan": {print: "first", b: b, opts: repo.BackupOptions{ForceScan: true}},
		"OtherHost": {print: "third", b: touch(b, 3, 3), opts: repo.BackupOptions{Environment: "clone"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := mem.New()
			newRepo(t, st)
			opts := repo.BackupOptions{Environment: "production", Database: "app"}
			if _, err := open(t, st).Backup(t.Context(), fingerprinted(b, "first"), opts); err != nil {
				t.Fatal(err)
			}
			source := newLiveSource(test.b, test.print)
			r := open(t, storetest.NewHooked(st, func(call, name string) {
				if source.live.Load() && !source.reading.Load() {
					t.Errorf("%s %s while the source waits", call, name)
				}
			}))
			test.opts.Database = "app"
			if test.opts.Environment == "" {
				test.opts.Environment = "production"
			}
			result, err := r.Backup(t.Context(), source.open, test.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := restore(t, r, result.Snapshot); !bytes.Equal(got, test.b) {
				t.Error("the snapshot differs from the image")
			}
		})
	}
}
