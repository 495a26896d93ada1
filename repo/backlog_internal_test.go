package repo

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// held is an image that is live or not.
type held struct {
	SourceImage
	live bool
}

func (h *held) Live() bool { return h.live }

func (h *held) Read([]byte) (int, error) { panic("not read here") }

// TestBacklogPatience says for which images and stores a chunk is put aside, and when. The time is not the machine's.
func TestBacklogPatience(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		live    bool
		stalled time.Duration // for how long all workers wait for the store
		aside   bool
	}{
		"Live":             {true, time.Hour, true},
		"LiveSlowEncoding": {true, 0, false},
		"LiveFastStore":    {true, 200 * time.Millisecond, false},
		"NotLive":          {false, time.Hour, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				b := newBacklog(dir, func() bool { return time.Since(began) < test.stalled }, nil)
				defer b.close()
				b.of(&held{live: test.live})
				idle := make(chan *worker, 1)
				time.AfterFunc(time.Minute, func() { idle <- &worker{} })
				w, err := b.worker(t.Context(), idle, 7, []byte("chunk"))
				if err != nil {
					t.Fatal(err)
				}
				if got := w == nil; got != test.aside || (len(b.chunks) == 1) != test.aside {
					t.Errorf("put aside: got %v, %d chunks, want %v", got, len(b.chunks), test.aside)
				}
				if took := time.Since(began); test.aside && took > time.Second {
					t.Errorf("the chunk waited %v for the store", took)
				}
			})
		})
	}
}

// TestBacklogGivesWay has a chunk go straight to a worker that is idle, although others are aside.
func TestBacklogGivesWay(t *testing.T) {
	t.Parallel()
	b := newBacklog(t.TempDir(), func() bool { return true }, nil)
	defer b.close()
	b.of(&held{live: true})
	b.patience = 0
	idle := make(chan *worker, 1)
	for at, data := range []string{"one", "two"} {
		if w, err := b.worker(t.Context(), idle, at, []byte(data)); w != nil || err != nil {
			t.Fatalf("got %v, %v, want the chunk to be put aside", w, err)
		}
	}
	idle <- &worker{}
	if w, err := b.worker(t.Context(), idle, 2, []byte("three")); w == nil || err != nil {
		t.Errorf("got %v, %v, want the idle worker", w, err)
	}
	for at, want := range []string{"one", "two"} {
		if got, err := b.get(nil, b.chunks[at], len(want)); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("chunk %d: got %q, %v, want %q", at, got, err, want)
		}
	}
}

// TestBacklogDefault puts chunks into the folder that the system names.
func TestBacklogDefault(t *testing.T) {
	t.Parallel()
	if b := newBacklog("", nil, nil); b.dir != os.TempDir() {
		t.Errorf("got %s, want %s", b.dir, os.TempDir())
	}
}
