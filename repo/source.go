package repo

import (
	"context"
	"encoding/json"
	"io"

	"firn/snapshot"
)

// SourceImage is one consistent image of a database. Backup reads it to the end, or
// not at all if it is unchanged, and closes it.
type SourceImage interface {
	io.ReadCloser
	// Describe returns the part of the record that is about the image. Backup calls it
	// when it has read the image to its end, or found it unchanged, and fills in the
	// tree's root, levels and size, and the time of reading.
	Describe() snapshot.Image
	// Unchanged reports whether the image has the same bytes as the one with
	// this fingerprint. It must report false in every case of doubt.
	Unchanged(fingerprint json.RawMessage) bool
}

// LiveImage is a [SourceImage] that may hold its source up while it is read: meanwhile the
// application cannot checkpoint its WAL, or cannot commit.
type LiveImage interface {
	SourceImage
	// Live reports whether the source is being held up. Once Live has returned false after a
	// Read, it goes on to return false.
	Live() bool
}

// Source opens the image to back up. Backup calls it to compare fingerprints, closes the
// image, and calls it again to read: so no image is open while Backup waits for the store.
// Backup calls it once more if a concurrent prune took away blobs that the first try
// relied on.
type Source func(ctx context.Context) (SourceImage, error)
