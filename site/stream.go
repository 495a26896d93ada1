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

// StreamSource makes a file with unknown content a source of backups. The content came from the stream that errors name. A
// database in it is stored as one, so that it can be restored like a database that firn has read itself. A database that is
// cut short is an error: the program that should have sent all of it has failed.
func StreamSource(path, name string) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		const hint = "Look at the program that should have written it all."
		database, err := Source(path, sqlite.Options{HoldWriters: true})(ctx) // there are none
		if i, ok := database.(*image); ok {
			i.access = nil // the file is firn's own
		}
		if err == nil && wholeFile(path, database) {
			return unwatched{database.(repo.SparseImage)}, nil
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

// unwatched is an image of a private file: no application waits for it, however long it is read.
type unwatched struct{ repo.SparseImage }

// wholeFile reports whether the file has nothing behind the database, which an image of
// it would leave out.
func wholeFile(path string, database repo.SourceImage) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == database.Describe().Size
}

// stream is a file as [repo.SourceImage].
type stream struct{ *os.File }

// Describe says that nothing is known.
func (s *stream) Describe() snapshot.Image { return snapshot.Image{Export: snapshot.ExportStream} }

// Unchanged is never certain: the file is a new one every time.
func (s *stream) Unchanged(json.RawMessage) bool { return false }
