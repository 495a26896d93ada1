package site

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// StreamSource returns a private file with unknown content as a source of backups. The content came from a stream; errors
// call it by the given name. If the content is a database, its snapshot is a database's, so it can be restored. A
// database that is cut short is an error: the program that should have sent all of it has failed.
func StreamSource(path, name string) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		const hint = "Look at the program that should have written it all."
		database, err := Source(path, sqlite.Options{HoldWriters: true})(ctx) // a private file has no writers
		if i, ok := database.(*image); ok {
			i.access = nil // the file is firn's own
		}
		if err == nil && wholeFile(path, database) {
			return unwatched{database.(seekable)}, nil
		}
		switch {
		case errors.Is(err, sqlite.ErrEmpty):
			return nil, outcome.OfSource(outcome.Failed(hint, "%s: it is empty", name))
		case errors.Is(err, sqlite.ErrCorrupt):
			return nil, outcome.OfSource(outcome.Failed(hint, "%s: it begins as a database does, and is cut short or damaged", name))
		case err != nil && !errors.Is(err, sqlite.ErrNotDatabase):
			return nil, outcome.Failed(hint, "%s: %w", name, err)
		}
		f, err := os.Open(path)
		if database != nil {
			err = errors.Join(err, database.Close())
		}
		return &stream{f}, err
	}
}

// unwatched is an image of a private file, without the methods of [repo.LiveImage]: no application waits for the file,
// however long the backup takes.
type unwatched struct{ seekable }

// seekable is an image of a private file.
type seekable interface {
	repo.SparseImage
	repo.HeldImage
}

// wholeFile reports whether the file ends with the database. An image of the database would leave out any data behind it.
func wholeFile(path string, database repo.SourceImage) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == database.Describe().Size
}

// stream is a file with any content, as a [repo.SourceImage].
type stream struct{ *os.File }

// Describe returns only the kind of the image: firn knows nothing of the content.
func (s *stream) Describe() snapshot.Image { return snapshot.Image{Export: snapshot.ExportStream} }

// Unchanged returns false: each run has a new file.
func (s *stream) Unchanged(json.RawMessage) bool { return false }
