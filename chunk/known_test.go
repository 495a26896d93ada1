package chunk_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
)

// errSkip is the failure of a source that can no longer be read.
var errSkip = errors.New("cannot skip")

// gapReader is an image that need not be read in full.
type gapReader struct {
	bytes.Reader
	left int // times that Skip works; negative for always
}

func (r *gapReader) Skip(n int64) error {
	if r.left == 0 {
		return errSkip
	}
	r.left--
	_, err := r.Seek(n, io.SeekCurrent)
	return err
}

// knownFrom makes a splitter's knowledge of what image has in common with before, less what doubt says.
func knownFrom(r *gapReader, image, before []byte, doubt func() bool) *chunk.Known {
	return &chunk.Known{
		Size: uint64(len(image)),
		Skip: r.Skip,
		Unchanged: func(e chunk.Entry, offset uint64) bool {
			return bytes.Equal(image[offset:offset+e.Span], before[offset:offset+e.Span]) && !doubt()
		},
	}
}

// cutKnown cuts an image of which not all is read, and returns how many bytes are.
func cutKnown(r *gapReader, params chunk.Params, parent *chunk.List, known *chunk.Known) (list chunk.List, read int, err error) {
	s := chunk.NewSplitter(r, params, parent, name)
	if known != nil {
		s.Know(*known)
	}
	for {
		c, err := s.Next()
		if err == io.EOF {
			return list, read, nil
		}
		if err != nil {
			return list, read, err
		}
		read += len(c.Data)
		if c.Data != nil {
			c.ID = name(chunk.Data, c.Data)
		}
		list.Append(chunk.Entry{ID: c.ID, Span: c.Span})
	}
}

func never() bool { return false }

// TestKnownIsLikeReading compares with a splitter that reads everything.
func TestKnownIsLikeReading(t *testing.T) {
	t.Parallel()
	skipped := 0
	rapid.Check(t, func(t *rapid.T) {
		before := noise(uint64(rapid.IntRange(0, 5).Draw(t, "seed")), rapid.IntRange(0, 120_000).Draw(t, "size"))
		parent := cutRapid(t, before, nil)
		image := bytes.Clone(before)
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			at := rapid.IntRange(0, len(image)).Draw(t, "at")
			by := noise(7, rapid.IntRange(0, 5000).Draw(t, "new"))
			n := len(by)
			if rapid.IntRange(0, 3).Draw(t, "moves") == 0 {
				n = rapid.IntRange(0, 5000).Draw(t, "old")
			}
			image = splice(image, at, min(n, len(image)-at), by)
		}
		want := cutRapid(t, image, &parent)
		r := &gapReader{*bytes.NewReader(image), -1}
		padded := append(bytes.Clone(before), make([]byte, len(image))...)
		doubt := func() bool { return rapid.IntRange(0, 9).Draw(t, "doubt") == 0 }
		got, read, err := cutKnown(r, small, &parent, knownFrom(r, image, padded, doubt))
		if err != nil {
			t.Fatal(err)
		}
		if !equal(got, want) {
			t.Fatalf("got %d, want %d as with reading everything", spans(got), spans(want))
		}
		if read < len(image) {
			skipped++
		}
	})
	if skipped == 0 {
		t.Error("nothing was ever left out: this proves nothing")
	}
}

// cutRapid is cut, of a rapid test.
func cutRapid(t *rapid.T, image []byte, parent *chunk.List) chunk.List {
	list, _, err := cutKnown(&gapReader{*bytes.NewReader(image), -1}, small, parent, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestKnownReadsTheRest counts the bytes that are read from the source.
func TestKnownReadsTheRest(t *testing.T) {
	t.Parallel()
	before := noise(1, 400_000)
	parent := cut(t, before, small, nil)
	image := splice(before, 200_000, 1, []byte("x"))
	r := &gapReader{*bytes.NewReader(image), -1}
	count := &countingReader{r: r}
	s := chunk.NewSplitter(count, small, &parent, name)
	s.Know(*knownFrom(r, image, before, never))
	for err := error(nil); err != io.EOF; {
		if _, err = s.Next(); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	want := parent.Entries[parent.At(200_000)].Span
	if count.n != int(want) {
		t.Errorf("bytes read: got %d, want %d, those of the chunk that has changed", count.n, want)
	}
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestKnownFailure checks that an image that breaks off is no shorter image.
func TestKnownFailure(t *testing.T) {
	t.Parallel()
	image := noise(1, 100_000)
	parent := cut(t, image, small, nil)
	for left := range 3 {
		r := &gapReader{*bytes.NewReader(image), left}
		_, _, err := cutKnown(r, small, &parent, knownFrom(r, image, image, never))
		if !errors.Is(err, errSkip) {
			t.Errorf("Skip fails after %d times: got %v, want %v", left, err, errSkip)
		}
	}
}
