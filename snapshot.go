package firn

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"firn/diff"
	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
	"firn/verify"
)

// Snapshot is a snapshot in a repository: its record, and the way to its data. The record is shared and must not be
// changed.
type Snapshot struct {
	*snapshot.Snapshot
	repository *Repository
}

// String names the snapshot for people.
func (s *Snapshot) String() string {
	if s == nil {
		return "no snapshot"
	}
	return fmt.Sprintf("%s of %s in %s at %s", s.ID.Short(), s.Database, s.Environment, s.Time.Format(time.RFC3339))
}

// snapshot joins a record with its repository; nil stays nil.
func (r *Repository) snapshot(s *snapshot.Snapshot) *Snapshot {
	if s == nil {
		return nil
	}
	return &Snapshot{s, r}
}

func (r *Repository) snapshots(list []*snapshot.Snapshot) []*Snapshot {
	all := make([]*Snapshot, 0, len(list))
	for _, s := range list {
		all = append(all, r.snapshot(s))
	}
	return all
}

// check refuses a snapshot that is of another repository, or is none.
func (r *Repository) check(list ...*Snapshot) error {
	for _, s := range list {
		if s == nil || s.repository == nil {
			return outcome.Usage("", "no snapshot is given")
		}
		if s.repository.session.Repo.ID() != r.session.Repo.ID() {
			return outcome.Usage("", "%w in %s: %s is of %s", ErrNotFound, r.Location(), s.ID.Short(), s.repository.Location())
		}
	}
	return nil
}

// Filter chooses snapshots: those for which every field that is not zero agrees.
type Filter = snapshot.Filter

// Snapshots returns the snapshots that a filter lets through, the newest first. With an error the list is nil, or holds those
// that can be read: the error names the others.
func (r *Repository) Snapshots(ctx context.Context, f Filter) ([]*Snapshot, error) {
	list, err := r.session.Repo.Snapshots(ctx)
	if list == nil && err != nil {
		return nil, err
	}
	return r.snapshots(session.Filter(list, f)), err
}

// Find returns the snapshot that a reference means: at least 4 digits of an ID, latest, latest-verified, either with
// :ENVIRONMENT, the beginning of a time, such as 2026-11-21T03, or ENVIRONMENT@TIME, the newest that is not later than the time,
// which may be -90s, too. Of several it is the newest. It fails with [ErrNotFound],
// and rather than return an older snapshot while a record that may be of a newer one cannot be read.
func (r *Repository) Find(ctx context.Context, ref string) (*Snapshot, error) {
	known, err := r.with().Catalog(ctx)
	if err != nil {
		return nil, err
	}
	s, err := known.Find(known.All, ref, false)
	if err != nil {
		return nil, err
	}
	return r.snapshot(s), nil
}

// FindAt returns the newest of the snapshots that a filter lets through and that are not later than a moment: the state in which
// a database was then. In all else it chooses as [Repository.Find] does for latest. It fails with [ErrNotFound], and with
// a [*snapshot.AmbiguousError] if the filter lets snapshots of several environments through.
func (r *Repository) FindAt(ctx context.Context, f Filter, moment time.Time) (*Snapshot, error) {
	known, err := r.with().Catalog(ctx)
	if err != nil {
		return nil, err
	}
	s, err := known.At(f, moment)
	if err != nil {
		return nil, err
	}
	return r.snapshot(s), nil
}

// DB returns the database of the snapshot for package database/sql, without restoring it: each query fetches the parts
// that it needs. Nothing can be changed. The caller closes it before the repository. Errors of opening come with
// the first query.
func (s *Snapshot) DB() *sql.DB {
	return sqlite.OpenDB(func(ctx context.Context) (io.ReaderAt, int64, error) {
		if s.IsStream() {
			return nil, 0, session.RefuseStream(s.Snapshot)
		}
		image, err := s.repository.session.Repo.ImageAt(ctx, s.Snapshot)
		if err != nil {
			return nil, 0, err
		}
		return image, image.Size(), nil
	})
}

// The formats of a dump.
const (
	FormatDB  = "db"  // the database file
	FormatZST = "zst" // the same, compressed with zstd so that dumps of neighbouring snapshots differ little
	FormatSQL = "sql" // a script for sqlite3 that makes the database anew
)

// Dump writes the database of the snapshot in a format. Every byte is verified before it is written.
func (s *Snapshot) Dump(ctx context.Context, w io.Writer, format string) error {
	at := s.repository.with()
	switch format {
	case FormatDB:
		return at.CopyImage(ctx, s.Snapshot, w)
	case FormatZST:
		return at.CopyFrames(ctx, s.Snapshot, w)
	case FormatSQL:
		return at.CopySQL(ctx, s.Snapshot, w)
	}
	return outcome.Usage("It is db, zst or sql.", "there is no format %q", format)
}

// Verification is how a snapshot was found.
type Verification = snapshot.Verification

// Verify finds out whether the database of the snapshot is sound: by a check of all pages unless that is known, by SQLite's own checks if
// they are due for the database, and by the [Environment.Verify] of its environment, if that is known here. The outcome is recorded in
// the repository. Without an error the snapshot is sound. With a Verification and an error it is not, or the outcome could not be
// recorded.
func (s *Snapshot) Verify(ctx context.Context) (*Verification, error) {
	return s.verify(ctx, verify.Options{})
}

// VerifyFull is [Snapshot.Verify] with all checks, whatever is known and whenever they were made last. It restores the snapshot to a
// private temporary file.
func (s *Snapshot) VerifyFull(ctx context.Context) (*Verification, error) {
	return s.verify(ctx, verify.Options{Full: true})
}

func (s *Snapshot) verify(ctx context.Context, o verify.Options) (*Verification, error) {
	known, err := s.repository.with().Catalog(ctx)
	if err != nil {
		return nil, err
	}
	found, err := verify.Snapshot(ctx, known, s.Snapshot, o)
	if found == nil {
		return nil, err
	}
	return found.Verification, err
}

// Diff compares two snapshots of one repository, which may be of different databases: their schema, and row by row their
// tables. Only the pages that differ are read.
func (r *Repository) Diff(ctx context.Context, from, to *Snapshot) (*diff.Comparison, error) {
	if err := r.check(from, to); err != nil {
		return nil, err
	}
	for _, s := range []*Snapshot{from, to} {
		if s.IsStream() {
			return nil, session.RefuseStream(s.Snapshot)
		}
	}
	return diff.Open(ctx, r.session.Repo, from.Snapshot, to.Snapshot)
}
