package chunk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// endless reads n bytes, as many at once as it is asked for.
type endless struct {
	n       int
	pattern []byte
}

func newEndless(n int) *endless {
	pattern := make([]byte, 100_003)
	_, _ = rand.NewChaCha8([32]byte{}).Read(pattern)
	return &endless{n, pattern}
}

func (r *endless) Read(p []byte) (int, error) {
	n := min(len(p), r.n)
	r.n -= n
	for at := 0; at < n; at += len(r.pattern) {
		copy(p[at:n], r.pattern)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Looking ahead must not make each step as dear as the whole window: the bytes
// that move within the buffer stay a small multiple of those that pass through.
func TestWindowMovesLittle(t *testing.T) {
	t.Parallel()
	const total = 64 << 20
	for _, ahead := range []int{64 << 10, 64<<10 + 1, 1 << 20, 2<<20 + 68<<10 + 1, 8<<20 + 1} {
		for _, step := range []int{4 << 10, 64 << 10} {
			t.Run(fmt.Sprintf("ahead=%d,step=%d", ahead, step), func(t *testing.T) {
				t.Parallel()
				w := &window{r: newEndless(total)}
				moved := 0
				for {
					start, held := w.start, w.end-w.start
					if len(w.fill(ahead)) < step {
						break
					}
					if w.start < start {
						moved += held
					}
					w.drop(step)
				}
				if moved > 2*total {
					t.Errorf("%d bytes moved for %d", moved, total)
				}
				if len(w.buf) > 2*ahead {
					t.Errorf("buffer of %d bytes to look %d ahead", len(w.buf), ahead)
				}
			})
		}
	}
}

// The buffer is as large as a look ahead needs, whatever the image's size.
func TestSplitterBuffersLittle(t *testing.T) {
	t.Parallel()
	const size = 40 << 20
	params := Params{Min: 64 << 10, Max: 512 << 10, AverageBits: 17, Polynomial: 0x3DA3358B4DC173}
	name := func(kind Kind, plain []byte) ID { return sha256.Sum256(plain[:64]) }
	parent := &List{}
	for parent.Size() < size {
		parent.Append(Entry{ID: ID{1}, Span: 512 << 10}) // none in place
	}
	for label, parent := range map[string]*List{"NoParent": {}, "Parent": parent} {
		s := NewSplitter(newEndless(size), params, parent, name)
		total, largest := 0, 0
		for {
			c, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			total += len(c.Data)
			largest = max(largest, cap(s.win.buf)+cap(s.scratch)+cap(s.guesses)*IDLen)
		}
		if total != size {
			t.Errorf("%s: %d bytes, want %d", label, total, size)
		}
		if limit := 3 * lookAheadBytes; largest > limit {
			t.Errorf("%s: holds %d bytes, want at most %d", label, largest, limit)
		}
	}
}

func TestWindowViews(t *testing.T) {
	t.Parallel()
	image := make([]byte, 10_000)
	for i := range image {
		image[i] = byte(i * 7)
	}
	w := &window{r: bytes.NewReader(image)}
	for at := 0; at < len(image); at += 100 {
		view := w.fill(300)
		want := image[at:min(at+300, len(image))]
		if !bytes.HasPrefix(view, want) {
			t.Fatalf("at %d: the window does not begin with the image's next %d bytes", at, len(want))
		}
		w.drop(100)
	}
	if rest := w.fill(1); len(rest) != 0 || w.failure() != nil || w.err != io.EOF {
		t.Errorf("at the end: %d bytes, error %v", len(rest), w.err)
	}
}
