package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"firn/outcome"
	"firn/report"
	"firn/scratch"
	"firn/session"
)

// spooled calls a backup with a private file that holds the stream of a job. A backup may read the file again if a prune
// comes in between, the writer of the stream does not wait for the store, and SQLite needs a file to read.
func (r *Run) spooled(ctx context.Context, j *Job, backup func(path string) error) (err error) {
	folder, err := scratch.Make(os.TempDir())
	if err != nil {
		return j.notSpooled(err)
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	m := r.s.Progress(j.env.Name, 0)
	path, err := folder.Create("stdin", func(f *os.File) error {
		_, err := session.Await(ctx, func() (int64, error) {
			return io.Copy(&report.CountingWriter{W: f, Progress: m.Set}, j.stream)
		})
		return err
	})
	m.Done()
	if err != nil {
		return j.notSpooled(err)
	}
	return backup(path)
}

// notSpooled is the error of a stream that could not be read, or not be written to a file.
func (j *Job) notSpooled(err error) error {
	return outcome.OfSource(fmt.Errorf("copy %s to %s: %w", j.streamName, os.TempDir(), err))
}
