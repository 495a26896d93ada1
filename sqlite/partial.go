package sqlite

import (
	"context"
	"io"
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
