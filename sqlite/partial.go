package sqlite

import (
	"bytes"
	"context"
	"io"

	"firn/sqlite/internal/capi"
)

// Partial fills in what is missing in an image file of which, when [Restore] gets it, only the length and the first page
// are sure to be right: a target that is nearly the same has most of the rest itself. What it writes is not compared
// with anything: it is what will be in the database.
type Partial interface {
	// Differing compares the image with the one that live delivers, and returns ranges of bytes, each from the first up to
	// the second number, in order and apart from each other: outside of them both are the same, and what is inside is in
	// the file then. Bytes that live does not have differ. It runs while nobody can write to the target, after Locked of
	// [RestoreOptions] under the same lock.
	Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error)
	// Complete writes all that is missing.
	Complete(ctx context.Context, file io.WriterAt) error
}

// whole is the [Partial] of a file in which nothing is missing.
type whole struct{ image *staged }

// Complete has nothing to do.
func (whole) Complete(context.Context, io.WriterAt) error { return nil }

// Differing compares blocks of whole pages.
func (w whole) Differing(_ context.Context, live io.Reader, _ io.WriterAt) (ranges [][2]int64, err error) {
	want, got := make([]byte, spoolRun), make([]byte, spoolRun)
	for at := int64(0); at < w.image.size(); at += spoolRun {
		run := want[:min(spoolRun, w.image.size()-at)]
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
	end := int64(0) // of what was looked at
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
