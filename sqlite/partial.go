package sqlite

import (
	"bytes"
	"context"
	"io"

	"firn/sqlite/internal/capi"
)

// Partial completes an image file of which only the length and the first page are sure to be right when [Restore]
// gets it: a target that is nearly equal to the image has most of the missing bytes itself. The bytes that Partial
// writes are compared with nothing: they will be in the database.
type Partial interface {
	// Differing compares the image with the database that live delivers. It returns ranges of bytes, each from the
	// first up to the second number, in order and apart from each other. Outside of the ranges both are the same.
	// Inside them the file is complete when Differing returns. Bytes beyond the end of live differ. Differing runs
	// while the target cannot be written, after Locked of [RestoreOptions] and under the same lock.
	Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error)
	// Complete writes all that is missing.
	Complete(ctx context.Context, file io.WriterAt) error
}

// whole is the [Partial] of a complete file.
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
