package repo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
)

// tracedImage has a trace that checks what it is given.
type tracedImage struct {
	*image
	trace *checkedTrace
}

func (i *tracedImage) Trace(*snapshot.Snapshot) repo.Trace { return i.trace }

// checkedTrace compares what it is given with two images.
type checkedTrace struct {
	t       testing.TB
	was, is []byte

	mu    sync.Mutex
	given []bool // which bytes of the image
}

func (c *checkedTrace) Compare(offset int64, was, is []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(was), len(is))
	if !bytes.Equal(was, c.was[offset:][:len(was)]) || !bytes.Equal(is, c.is[offset:][:len(is)]) {
		c.t.Errorf("other bytes than those of the images at %d", offset)
	}
	for at := range n {
		c.given[int(offset)+at] = true
	}
}

func (c *checkedTrace) Findings(stored io.ReaderAt, size int64, _ time.Time) []string {
	b, err := io.ReadAll(io.NewSectionReader(stored, 0, size))
	if err != nil || !bytes.Equal(b, c.was) {
		c.t.Errorf("the stored image is not the one before: %v", err)
	}
	for at, is := range c.is[:min(len(c.is), len(c.was))] {
		if is != c.was[at] && !c.given[at] {
			c.t.Errorf("byte %d has changed, and was not compared", at)
			break
		}
	}
	return []string{fmt.Sprintf("a finding about %d bytes", len(c.is))}
}

// TestTrace changes an image in many ways, among them back to what it was before, and checks that a trace is given all bytes
// that differ, and its findings are reasons for suspicion.
func TestTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 9))
	before := pages(1, 400)
	versions := [][]byte{before}
	w.take(t, "production", before)
	for range 12 {
		b := bytes.Clone(versions[r.IntN(len(versions))]) // chunks of any version are in the repository
		for range r.IntN(4) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		switch r.IntN(4) {
		case 0:
			b = append(b, pages(r.Uint64(), 1+r.IntN(40))...)
		case 1:
			b = b[:len(b)-4096*r.IntN(30)]
		}
		trace := &checkedTrace{t: t, was: before, is: b, given: make([]bool, len(b))}
		source := func(context.Context) (repo.SourceImage, error) {
			return &tracedImage{&image{Reader: bytes.NewReader(b)}, trace}, nil
		}
		result, err := open(t, w.st).Backup(t.Context(), source, repo.BackupOptions{Environment: "production", Database: "app"})
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("a finding about %d bytes", len(b))
		if got := result.Snapshot.Suspect; len(got) != 1 || got[0] != want {
			t.Errorf("suspect: got %q, want %q", got, want)
		}
		w.images[result.Snapshot.ID] = b
		before, versions = b, append(versions, b)
	}
	w.verify(t)
}
