package pull_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"firn/pull"
)

// FuzzFrames reads any bytes as frames. Frames that are taken are written again as they were.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{'b', 0, 0, 0, 0, 'd', 0, 0, 0, 2, 1, 2})
	f.Add([]byte{'d', 0, 16, 0, 1})
	f.Add([]byte{'d', 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		in, out := pull.NewStream(bytes.NewReader(b), nil, nil), new(bytes.Buffer)
		again := pull.NewStream(nil, out, nil)
		for {
			kind, content, err := in.Next()
			if err == io.EOF && !bytes.Equal(out.Bytes(), b) {
				t.Error("the frames are written otherwise than they were read")
			}
			if err != nil {
				return
			}
			if err := again.Write(kind, content); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRanges reads any bytes as ranges. Those that are taken are in order, apart, within the image, and read again as they were.
func FuzzRanges(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 3, 4}, int64(100))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1}, int64(100))
	f.Add([]byte{3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, int64(1<<32-2))
	f.Fuzz(func(t *testing.T, b []byte, pages int64) {
		if pages < 1 || pages > 1<<32-2 {
			return
		}
		r := pull.NewRangeReader(4096, 4096*pages)
		if err := r.Add(b); err != nil {
			if !errors.Is(err, pull.ErrFrame) {
				t.Errorf("got %v, want %v", err, pull.ErrFrame)
			}
			return
		}
		end := int64(-1)
		for _, span := range r.Ranges() {
			if span[0] <= end || span[1] <= span[0] || span[1] > 4096*pages {
				t.Errorf("range %d after %d, in an image of %d bytes", span, end, 4096*pages)
			}
			end = span[1]
		}
		if got := roundTrip(t, r.Ranges(), 4096, 4096*pages); !slices.Equal(got, r.Ranges()) {
			t.Errorf("got %v, want %v", got, r.Ranges())
		}
	})
}

// roundTrip writes ranges and reads them again.
func roundTrip(t testing.TB, ranges [][2]int64, pageSize, size int64) [][2]int64 {
	t.Helper()
	b := new(bytes.Buffer)
	s := pull.NewStream(b, b, nil)
	if err := s.WriteRanges(pull.Wanted, pull.Read, ranges, pageSize); err != nil {
		t.Fatal(err)
	}
	r := pull.NewRangeReader(pageSize, size)
	for {
		kind, content, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Add(content); err != nil {
			t.Fatal(err)
		}
		if kind == pull.Read {
			return r.Ranges()
		}
	}
}

// TestManyRanges sends more ranges than a frame has room for.
func TestManyRanges(t *testing.T) {
	t.Parallel()
	const pageSize, pages = 512, 1 << 22
	var want [][2]int64
	for at := int64(0); at < pages-20; {
		from := at + 1 + rand.Int64N(10)
		at = from + 1 + rand.Int64N(10)
		want = append(want, [2]int64{from * pageSize, at * pageSize})
	}
	if got := roundTrip(t, want, pageSize, pages*pageSize); !slices.Equal(got, want) {
		t.Errorf("got %d ranges, want %d", len(got), len(want))
	}
}

// TestFrameTooLong refuses to write a frame that no side would read.
func TestFrameTooLong(t *testing.T) {
	t.Parallel()
	if err := pull.NewStream(nil, io.Discard, nil).Write(pull.Data, make([]byte, 1<<20+1)); err == nil {
		t.Error("a frame of more than a MiB was written")
	}
}
