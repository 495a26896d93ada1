package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// inspection is what a look at a snapshot found.
type inspection struct {
	how       string   // the checks that were made
	unchecked []string // the parts that take the application's own SQLite to check
	unsound   error    // nil for a sound snapshot
}

// inspect restores a snapshot to a temporary file and checks it. An error says what kept it from that.
func (r *run) inspect(ctx context.Context, snap *snapshot.Snapshot) (saw inspection, err error) {
	if snap.IsStream() {
		return r.readStream(ctx, snap)
	}
	r.Sweep(cmp.Or(r.options.TempDir, os.TempDir()), session.SweepIdle)
	image, err := site.StageApart(r.options.TempDir, "verify.db", snap.Image().Size, func(f *os.File) error { return r.CopyImage(ctx, snap, f) })
	if corrupt, ok := errors.AsType[*repo.CorruptError](err); ok && ctx.Err() == nil {
		return inspection{how: "restore", unsound: corrupt}, r.stillThere(ctx, snap)
	}
	if err != nil {
		return inspection{}, err
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	saw.how = session.CheckedHow
	err = image.Check(ctx)
	if partial, ok := errors.AsType[*sqlite.UncheckedError](err); ok {
		saw.unchecked, err = partial.Messages, nil
	}
	if err == nil {
		err = r.runOwnSQL(ctx, snap, image, &saw)
	}
	saw.unsound = cmp.Or(saw.unsound, unsoundness(err))
	return saw, refused(err)
}

// runOwnSQL runs the environment's SQL. A database that takes the application's own SQLite may have SQL that takes it, too:
// then that SQL is one more part that could not be checked.
func (r *run) runOwnSQL(ctx context.Context, snap *snapshot.Snapshot, image *site.Staged, saw *inspection) error {
	env := r.Conf.Lookup(snap.Environment)
	if env == nil || env.Verify == "" {
		return nil
	}
	if env.DatabaseName != snap.Database {
		r.Warn("verify SQL was not run on snapshot %s: it is of the database %s, not of %s", snap.ID.Short(), snap.Database, env.DatabaseName)
		return nil
	}
	var rows []string
	err := image.At(func(path string) (err error) { rows, err = sqlite.Violations(ctx, path, env.Verify); return err })
	if wrong, ok := errors.AsType[*sqlite.StatementError](err); ok && len(saw.unchecked) > 0 {
		saw.unchecked = append(saw.unchecked, "verify SQL: "+wrong.Error())
		return nil
	}
	saw.how += ", verify SQL"
	if len(rows) > 0 {
		saw.unsound = fmt.Errorf("its verify SQL returns %s", strings.Join(rows, "; "))
	}
	return err
}

// readStream reads a snapshot that is no database to its end. Every byte is verified on the way; more cannot be known.
func (r *run) readStream(ctx context.Context, snap *snapshot.Snapshot) (inspection, error) {
	saw := inspection{how: "read"}
	err := r.CopyImage(ctx, snap, io.Discard)
	if corrupt, ok := errors.AsType[*repo.CorruptError](err); ok && ctx.Err() == nil {
		saw.unsound, err = corrupt, r.stillThere(ctx, snap)
	}
	return saw, err
}

// stillThere returns an error if the snapshot was forgotten while it was read: then it is not damaged.
func (r *run) stillThere(ctx context.Context, snap *snapshot.Snapshot) error {
	list, err := r.Repo.Snapshots(ctx)
	if list == nil {
		return err
	}
	if !slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool { return s.ID == snap.ID }) {
		return outcome.Failed("Run it again.", "snapshot %s was forgotten meanwhile", snap.ID.Short())
	}
	return nil
}

// unsoundness returns what an error says of the database, without the name of the temporary file. It is nil for an error
// about anything else.
func unsoundness(err error) error {
	if found, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		return &sqlite.IntegrityError{Path: "its database", Messages: found.Messages}
	}
	for _, kind := range []error{sqlite.ErrNotDatabase, sqlite.ErrEmpty, sqlite.ErrCorrupt} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// refused returns the error unless it is about the database.
func refused(err error) error {
	if unsoundness(err) != nil {
		return nil
	}
	return err
}
