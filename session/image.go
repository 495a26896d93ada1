package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"firn/outcome"
	"firn/report"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// CopyImage writes a snapshot's image.
func (s *Session) CopyImage(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) error {
	image, err := s.Repo.OpenImage(ctx, snap)
	if err != nil {
		return err
	}
	b := s.Progress("read "+snap.ID.Short(), image.Size())
	defer b.Done()
	return image.Copy(ctx, &report.CountingWriter{W: w, Progress: b.Set})
}

// OpenView opens the database of a snapshot for SQL that reads, without restoring it. The caller closes it.
func (s *Session) OpenView(ctx context.Context, snap *snapshot.Snapshot) (*sqlite.View, error) {
	image, err := s.Repo.ImageAt(ctx, snap)
	if err != nil {
		return nil, err
	}
	return sqlite.OpenView(ctx, image, image.Size())
}

// CopyLive writes a consistent image of a database as it is now, on this host or another one.
func (s *Session) CopyLive(ctx context.Context, database string, w io.Writer) (size int64, err error) {
	image, err := s.Source(database, sqlite.Options{})(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	b := s.Progress("read "+database, image.Describe().Size)
	defer b.Done()
	return io.Copy(&report.CountingWriter{W: w, Progress: b.Set}, image)
}

// CopyFrames writes a snapshot's image as a zstd stream.
func (s *Session) CopyFrames(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) error {
	image, err := s.Repo.OpenImage(ctx, snap)
	if err != nil {
		return err
	}
	b := s.Progress("read "+snap.ID.Short(), image.Size())
	defer b.Done()
	return image.CopyFrames(ctx, w, b.Set)
}

// CopySQL writes a snapshot's database as a script in SQL. SQLite reads files, so the image is put into one for a while.
func (s *Session) CopySQL(ctx context.Context, snap *snapshot.Snapshot, w io.Writer) (err error) {
	if err := site.NeedSpace(os.TempDir(), snap.Image().Size); err != nil {
		return outcome.Failed("Make room there, or set TMPDIR to a folder with more.", "%w", err)
	}
	s.Sweep(os.TempDir(), SweepIdle)
	image, err := site.StageApart("", "dump.db", snap.Image().Size, func(f *os.File) error { return s.CopyImage(ctx, snap, f) })
	if err != nil {
		return fmt.Errorf("write database into a temporary file: %w", err) // which the cause names
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	b := s.Progress("write SQL", snap.Image().Size) // about as long, usually
	defer b.Done()
	err = image.At(func(path string) error {
		return sqlite.DumpSQL(ctx, path, &report.CountingWriter{W: w, Progress: b.Set})
	})
	if errors.Is(err, sqlite.ErrCorrupt) {
		return outcome.DamagedDatabase(snap.ID.Short(), fmt.Errorf("database of snapshot %s is not sound, the script does nothing: %w", snap.ID.Short(), err))
	}
	if err != nil {
		err = fmt.Errorf("write snapshot %s as SQL: %w", snap.ID.Short(), err)
	}
	if errors.Is(err, sqlite.ErrCollation) {
		return outcome.Failed("--format db writes the database file. A program that has the collation can make a script of that.", "%w", err)
	}
	return err
}
