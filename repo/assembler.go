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

// Assembler puts an image together in a file. A seed, which is a file that is nearly
// the same, spares it the chunks that both have. A part of the image that no call asks
// for stays a hole in the file. An Assembler is for one goroutine at a time.
type Assembler struct {
	image *ImageReader
	there []bool // which chunks the file has
}

// Assembler returns an assembler for a file that has nothing of the image yet.
func (i *ImageReader) Assembler() *Assembler {
	return &Assembler{image: i, there: make([]bool, i.tree.Chunks().Len())}
}

// Head fetches at least the first n bytes.
func (a *Assembler) Head(ctx context.Context, n int64, file io.WriterAt) error {
	chunks := a.image.tree.Chunks()
	return a.fetch(ctx, file, func(c int) bool { return int64(chunks.Offset(c)) < n })
}

// Prefetch fetches the chunks that another image does not have at the same place. That
// image is the one that the seed is likely to equal, so these chunks are needed anyway.
func (a *Assembler) Prefetch(ctx context.Context, like *ImageReader, file io.WriterAt) error {
	same := a.sameAs(like)
	return a.fetch(ctx, file, func(c int) bool { return !same[c] })
}

// sameAs returns, for each chunk, whether another image has it at the same place.
func (a *Assembler) sameAs(like *ImageReader) []bool {
	chunks, others := a.image.tree.Chunks(), like.tree.Chunks()
	same := make([]bool, chunks.Len())
	for c := range same {
		same[c] = hasAt(others, chunks.Offset(c), chunks.Entries[c])
	}
	return same
}

// Complete fetches every chunk that the file lacks.
func (a *Assembler) Complete(ctx context.Context, file io.WriterAt) error {
	return a.fetch(ctx, file, func(int) bool { return true })
}

// CompleteFrom is Complete, but copies the chunks that the seed has from there.
func (a *Assembler) CompleteFrom(ctx context.Context, seed io.Reader, file io.WriterAt) error {
	if _, err := a.compare(ctx, seed, file); err != nil {
		return err
	}
	return a.Complete(ctx, file)
}

// Differing compares the image with the seed, and returns ranges of bytes, each from the
// first up to the second number, in order and apart from each other. Outside of them
// image and seed are the same, as the chunks' IDs prove. When it returns nil, the file
// has the image's bytes within the ranges. The end of an image that is longer than the
// seed is such a range, too.
func (a *Assembler) Differing(ctx context.Context, seed io.Reader, file io.WriterAt) ([][2]int64, error) {
	same, err := a.compare(ctx, seed, nil)
	if err != nil {
		return nil, err
	}
	return a.differing(ctx, same, file)
}

// DifferingFrom is Differing for a seed that is known to be the other image, byte for
// byte. So it compares the lists of chunks, and reads nothing of the seed.
func (a *Assembler) DifferingFrom(ctx context.Context, like *ImageReader, file io.WriterAt) ([][2]int64, error) {
	return a.differing(ctx, a.sameAs(like), file)
}

func (a *Assembler) differing(ctx context.Context, same []bool, file io.WriterAt) ([][2]int64, error) {
	if err := a.fetch(ctx, file, func(c int) bool { return !same[c] }); err != nil {
		return nil, err
	}
	return a.ranges(same), nil
}

// ranges returns the runs of chunks that are not the same.
func (a *Assembler) ranges(same []bool) (ranges [][2]int64) {
	chunks := a.image.tree.Chunks()
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

// fetch puts the wanted chunks that the file lacks into it.
func (a *Assembler) fetch(ctx context.Context, file io.WriterAt, wanted func(c int) bool) error {
	chunks := a.image.tree.Chunks()
	var numbers []int
	var entries []chunk.Entry
	for c, e := range chunks.Entries {
		if !a.there[c] && wanted(c) {
			numbers, entries = append(numbers, c), append(entries, e)
		}
	}
	return a.image.pass(ctx, entries, outlet{
		read: a.image.chunk,
		write: func(plain []byte, _ uint64) error {
			c := numbers[0]
			numbers = numbers[1:]
			return a.put(file, c, plain)
		},
	})
}

// put writes a chunk to its place. Different chunks can be put at the same time.
func (a *Assembler) put(file io.WriterAt, c int, plain []byte) error {
	if _, err := file.WriteAt(plain, int64(a.image.tree.Chunks().Offset(c))); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	a.there[c] = true
	return nil
}

// compare finds the chunks that the seed has at the same place. Unless file is nil, it
// copies them there.
func (a *Assembler) compare(ctx context.Context, seed io.Reader, file io.WriterAt) (same []bool, err error) {
	entries := a.image.tree.Chunks().Entries
	same = make([]bool, len(entries))
	errs := make([]error, len(entries))
	buffers := make(chan []byte, runtime.GOMAXPROCS(0)+1) // hashing on all processors while the next chunk is read
	for range cap(buffers) {
		buffers <- nil
	}
	var hashing sync.WaitGroup
	for c, e := range entries {
		b := resize(<-buffers, int(e.Span))
		if _, err = io.ReadFull(seed, b); err != nil {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		hashing.Go(func() {
			defer func() { buffers <- b }()
			same[c] = a.image.repo.name(chunk.Data, b) == e.ID
			if same[c] && file != nil && !a.there[c] {
				errs[c] = a.put(file, c, b)
			}
		})
	}
	hashing.Wait()
	if err == io.EOF || err == io.ErrUnexpectedEOF { // the seed is shorter
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
