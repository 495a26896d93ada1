package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"firn/chunk"
)

// Filler puts an image into a file, as far as a near copy of it is not the same
// already. What is never asked for stays a hole. It is for one goroutine at a time,
// and no backup may run on its [Repo] while one of its methods does.
type Filler struct {
	image *ImageReader
	there []bool // which chunks the file has
}

// Filler returns a filler of a file, which has nothing of the image yet.
func (i *ImageReader) Filler() *Filler {
	return &Filler{image: i, there: make([]bool, i.tree.Chunks().Len())}
}

// Head fetches at least the first n bytes.
func (f *Filler) Head(ctx context.Context, n int64, file io.WriterAt) error {
	chunks := f.image.tree.Chunks()
	return f.fetch(ctx, file, func(c int) bool { return int64(chunks.Offset(c)) < n })
}

// Expect fetches what the list of another image does not have at the same place, by
// whom a near copy is likely to be described.
func (f *Filler) Expect(ctx context.Context, like *ImageReader, file io.WriterAt) error {
	same := f.sameAs(like)
	return f.fetch(ctx, file, func(c int) bool { return !same[c] })
}

// sameAs tells which chunks another image has at the same place.
func (f *Filler) sameAs(like *ImageReader) []bool {
	chunks, others := f.image.tree.Chunks(), like.tree.Chunks()
	same := make([]bool, chunks.Len())
	for c := range same {
		same[c] = hasAt(others, chunks.Offset(c), chunks.Entries[c])
	}
	return same
}

// Complete fetches all that is missing.
func (f *Filler) Complete(ctx context.Context, file io.WriterAt) error {
	return f.fetch(ctx, file, func(int) bool { return true })
}

// CompleteFrom is Complete, and takes what is the same from a near copy.
func (f *Filler) CompleteFrom(ctx context.Context, near io.Reader, file io.WriterAt) error {
	if _, err := f.compare(ctx, near, file); err != nil {
		return err
	}
	return f.Complete(ctx, file)
}

// Differing compares the image with what near delivers, and returns ranges of bytes,
// each from the first up to the second number, in order and apart from each other.
// Outside of them both are the same, as the chunks' IDs prove; what is inside, or what
// near is too short for, is in the file then.
func (f *Filler) Differing(ctx context.Context, near io.Reader, file io.WriterAt) ([][2]int64, error) {
	same, err := f.compare(ctx, near, nil)
	if err != nil {
		return nil, err
	}
	return f.differing(ctx, same, file)
}

// DifferingFrom is Differing for a near copy that is known to be the other image,
// byte for byte: nothing of it need be read.
func (f *Filler) DifferingFrom(ctx context.Context, like *ImageReader, file io.WriterAt) ([][2]int64, error) {
	return f.differing(ctx, f.sameAs(like), file)
}

func (f *Filler) differing(ctx context.Context, same []bool, file io.WriterAt) ([][2]int64, error) {
	if err := f.fetch(ctx, file, func(c int) bool { return !same[c] }); err != nil {
		return nil, err
	}
	return f.ranges(same), nil
}

// ranges returns the runs of chunks that are not the same.
func (f *Filler) ranges(same []bool) (ranges [][2]int64) {
	chunks := f.image.tree.Chunks()
	for c := range same {
		from, to := int64(chunks.Offset(c)), int64(chunks.Offset(c+1))
		last := len(ranges) - 1
		switch {
		case same[c]:
		case last >= 0 && ranges[last][1] == from:
			ranges[last][1] = to
		default:
			ranges = append(ranges, [2]int64{from, to})
		}
	}
	return ranges
}

// fetch puts those chunks that are wanted, and not there, into the file.
func (f *Filler) fetch(ctx context.Context, file io.WriterAt, wanted func(c int) bool) error {
	chunks := f.image.tree.Chunks()
	var numbers []int
	var entries []chunk.Entry
	for c, e := range chunks.Entries {
		if !f.there[c] && wanted(c) {
			numbers, entries = append(numbers, c), append(entries, e)
		}
	}
	return f.image.pass(ctx, entries, outlet{
		read: f.image.repo.chunk,
		write: func(plain []byte, _ uint64) error {
			c := numbers[0]
			numbers = numbers[1:]
			return f.put(file, c, plain)
		},
	})
}

// put writes a chunk to its place. Different ones can be put at the same time.
func (f *Filler) put(file io.WriterAt, c int, plain []byte) error {
	if _, err := file.WriteAt(plain, int64(f.image.tree.Chunks().Offset(c))); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	f.there[c] = true
	return nil
}

// compare finds the chunks that near has at the same place. Unless file is nil, it
// puts them there.
func (f *Filler) compare(ctx context.Context, near io.Reader, file io.WriterAt) (same []bool, err error) {
	entries := f.image.tree.Chunks().Entries
	same = make([]bool, len(entries))
	errs := make([]error, len(entries))
	buffers := make(chan []byte, runtime.GOMAXPROCS(0)+1) // hashing on all processors while the next chunk is read
	for range cap(buffers) {
		buffers <- nil
	}
	var hashing sync.WaitGroup
	for c, e := range entries {
		b := resize(<-buffers, int(e.Span))
		if _, err = io.ReadFull(near, b); err != nil {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		hashing.Go(func() {
			defer func() { buffers <- b }()
			same[c] = f.image.repo.name(chunk.Data, b) == e.ID
			if same[c] && file != nil && !f.there[c] {
				errs[c] = f.put(file, c, b)
			}
		})
	}
	hashing.Wait()
	if err == io.EOF || err == io.ErrUnexpectedEOF { // near is shorter
		err = nil
	}
	return same, errors.Join(err, errors.Join(errs...))
}

// resize returns a buffer of n bytes, b if it is large enough.
func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
