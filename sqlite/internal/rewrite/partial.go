package rewrite

import (
	"bytes"
	"context"
	"io"

	"firn/sqlite/internal/capi"
)

// runLen is how many bytes of an image are read at once: large enough for the speed of memory.
const runLen = 1 << 20

// Partial completes an image file of which only the length and the first page are sure to be right.
type Partial interface {
	// Differing compares the image with the database that live delivers, and returns ranges of bytes in order. Outside of
	// the ranges both are the same. Inside them the file is complete then. It is called after Locked of [Options], under
	// the same lock.
	Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error)
	// Complete writes all that is missing.
	Complete(ctx context.Context, file io.WriterAt) error
}

// Whole returns the Partial of a complete image.
func Whole(image *Image) Partial { return whole{image} }

// whole is the [Partial] of a complete file.
type whole struct{ image *Image }

// Complete has nothing to do.
func (whole) Complete(context.Context, io.WriterAt) error { return nil }

// Differing compares blocks of whole pages.
func (w whole) Differing(_ context.Context, live io.Reader, _ io.WriterAt) (ranges [][2]int64, err error) {
	want, got := make([]byte, runLen), make([]byte, runLen)
	for at := int64(0); at < w.image.Size(); at += runLen {
		run := want[:min(runLen, w.image.Size()-at)]
		if _, err := w.image.ReadAt(run, at); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(live, got[:len(run)])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, err
		}
		for from := 0; from < len(run); from += capi.MaxPageSize {
			to := min(from+capi.MaxPageSize, len(run))
			if n < to || !bytes.Equal(got[from:to], run[from:to]) {
				ranges = append(ranges, [2]int64{at + int64(from), at + int64(to)})
			}
		}
	}
	return ranges, nil
}

// crossing returns, in order, the bytes outside of the ranges that share a page with bytes inside.
func crossing(ranges [][2]int64, pageSize int64) (outside [][2]int64) {
	end := int64(0) // of the part that was looked at
	for i, r := range ranges {
		if from := max(r[0]-r[0]%pageSize, end); from < r[0] {
			outside = append(outside, [2]int64{from, r[0]})
		}
		end = (r[1] + pageSize - 1) / pageSize * pageSize
		if i+1 < len(ranges) {
			end = min(end, ranges[i+1][0])
		}
		if r[1] < end {
			outside = append(outside, [2]int64{r[1], end})
		}
	}
	return outside
}
