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
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// inspection is what a look at a snapshot found.
type inspection struct {
	how       string      // the checks that were made
	since     snapshot.ID // see [snapshot.Verification]
	whole     time.Time   // the same
	unchecked []string    // the parts that could not be checked
	unsound   error       // nil for a sound snapshot

	recorded *snapshot.Verification // says all that was found out; nil if none does
}

// inspect finds out whether a snapshot is sound. An error says what kept it from that.
func (r *run) inspect(ctx context.Context, snap *snapshot.Snapshot) (saw inspection, err error) {
	if snap.IsStream() {
		return r.readStream(ctx, snap)
	}
	r.Sweep(cmp.Or(r.options.TempDir, os.TempDir()), session.SweepIdle)
	sql, bySQLite := r.ownSQL(snap), r.options.Full || r.sqliteIsDue(snap)
	if snap.Verified.Proven() && !bySQLite {
		return r.drill(ctx, snap, sql)
	}
	err = r.restoreApart(ctx, snap, &saw, func(image *site.Staged) error {
		if err := saw.check(ctx, image, r.ProofRules(r.Conf.Lookup(snap.Environment)), bySQLite); err != nil || saw.unsound != nil {
			return err
		}
		return saw.runOnFile(ctx, image, sql)
	})
	return saw, err
}

// ownSQL returns the SQL of the snapshot's environment that finds rows which must not be there, "" for none.
func (r *run) ownSQL(snap *snapshot.Snapshot) string {
	env := r.Conf.Lookup(snap.Environment)
	if env == nil || env.Verify == "" {
		return ""
	}
	if env.DatabaseName != snap.Database {
		r.Warn("verify SQL was not run on snapshot %s: it is of the database %s, not of %s", snap.ID.Short(), snap.Database, env.DatabaseName)
		return ""
	}
	return env.Verify
}

// restoreApart restores a snapshot to a temporary file, and has a function look at it. An error of that function that is about
// the database is what was found.
func (r *run) restoreApart(ctx context.Context, snap *snapshot.Snapshot, saw *inspection, look func(*site.Staged) error) (err error) {
	image, err := site.StageApart(r.options.TempDir, "verify.db", snap.Image().Size, func(f *os.File) error { return r.CopyImage(ctx, snap, f) })
	if corrupt, ok := errors.AsType[*repo.CorruptError](err); ok && ctx.Err() == nil {
		*saw = inspection{how: "restore", unsound: corrupt}
		return r.stillThere(ctx, snap)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	err = look(image)
	saw.unsound = cmp.Or(saw.unsound, unsoundness(err))
	return refused(err)
}

// runOnFile runs an environment's own SQL, if there is any, on a private file.
func (saw *inspection) runOnFile(ctx context.Context, image *site.Staged, sql string) error {
	if sql == "" {
		return nil
	}
	return saw.runSQL(func() (rows []string, err error) {
		err = image.At(func(path string) (err error) { rows, err = sqlite.Violations(ctx, path, sql); return err })
		return rows, err
	})
}

// runSQL runs an environment's own SQL by a function that returns its rows. A database that takes the application's own SQLite
// may have SQL that takes it, too: then that SQL is one more part that could not be checked.
func (saw *inspection) runSQL(run func() ([]string, error)) error {
	saw.how = strings.TrimSuffix(saw.how, snapshot.HowOwnSQL)
	rows, err := run()
	if wrong, ok := errors.AsType[*sqlite.StatementError](err); ok && len(saw.unchecked) > 0 {
		if part := "verify SQL: " + wrong.Error(); !strings.Contains(strings.Join(saw.unchecked, "; "), part) {
			saw.unchecked = append(saw.unchecked, part)
		}
		return nil
	}
	saw.how += snapshot.HowOwnSQL
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
