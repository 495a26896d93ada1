package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"firn/repo"
	"firn/scratch"
	"firn/snapshot"
	"firn/sqlite"
)

// stdinEnvironment is where streams go that no environment is named for.
const stdinEnvironment = "stdin"

// streamEnvironment is what --stdin is backed up as. The commands and the monitor of a
// configured environment of that name are about its own database, not about this.
func (o backupOptions) streamEnvironment() (*environment, error) {
	if o.name == "" {
		return nil, usage("", "--stdin needs --name: what the stream is to be found under")
	}
	if o.export != "" || o.forceScan {
		return nil, usage("", "--export and --force-scan are for databases that firn reads itself, not for --stdin")
	}
	env := &environment{name: cmp.Or(o.env, stdinEnvironment), Name: o.name}
	return env, checkNames(env.name, env.Name)
}

// spooled runs a backup of a stream that was read into a private file first: a backup may
// read it again, if prunes come in between, nothing waits for whoever writes it, and
// SQLite wants a file to look at.
func spooled(ctx context.Context, c *caller, label string, backup func(path string) error) (err error) {
	folder, err := scratch.Make(os.TempDir())
	if err != nil {
		return ofTheSource(fmt.Errorf("copy standard input to %s: %w", os.TempDir(), err))
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	b := c.progress(label, 0)
	path, err := folder.Create("stdin", func(f *os.File) error {
		_, err := await(ctx, func() (int64, error) {
			return io.Copy(&countingWriter{w: f, progress: b.set}, c.input)
		})
		return err
	})
	b.done()
	if err != nil {
		return ofTheSource(fmt.Errorf("copy standard input to %s: %w", os.TempDir(), err))
	}
	return backup(path)
}

// streamSource makes a file of which we know nothing something to back up. If it is a
// database it is stored as one, so that it can be restored like those that firn has read
// itself. One that is cut short is an error: then whatever should have sent it has failed.
func streamSource(path string) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		const hint = "Look at the program that should have written it all."
		database, err := source(path, sqlite.Options{HoldWriters: true})(ctx) // there are none
		if i, ok := database.(*image); ok {
			i.access = nil // the file is firn's own
		}
		if err == nil && wholeFile(path, database) {
			return unwatched{database.(repo.SparseImage)}, nil
		}
		switch {
		case errors.Is(err, sqlite.ErrEmpty):
			return nil, ofTheSource(failed(hint, "standard input: it is empty"))
		case errors.Is(err, sqlite.ErrCorrupt):
			return nil, ofTheSource(failed(hint, "standard input: it begins as a database does, and is cut short or damaged"))
		case err != nil && !errors.Is(err, sqlite.ErrNotDatabase):
			return nil, failed(hint, "standard input: %w", err)
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

// withoutStreams leaves out what cannot be restored into a database.
func withoutStreams(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	return slices.DeleteFunc(slices.Clone(list), (*snapshot.Snapshot).IsStream)
}

func refuseStream(s *snapshot.Snapshot) error {
	return failed(fmt.Sprintf(`"firn dump %s -o FILE" writes it.`, s.ID.Short()), "snapshot %s is of a stream, not of a database", s.ID.Short())
}
