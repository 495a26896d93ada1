// Package verify restores snapshots to private temporary files, looks whether they are sound, and records the outcome in
// the repository.
package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
)

// Options say how snapshots are verified. The zero value is the default.
type Options struct {
	TempDir string // a folder with room for a database; "" for the system's folder for temporary files
}

// Outcome is how a snapshot was found.
type Outcome struct {
	Snapshot     *snapshot.Snapshot
	Verification *snapshot.Verification // as it is recorded
	Took         time.Duration
	// Doubt says why latest-verified does not mean the snapshot although all bytes of it are there. It is "" for a
	// snapshot that latest-verified may mean, or that is not sound.
	Doubt string
}

// Sound reports whether no problem was found.
func (o *Outcome) Sound() bool { return o.Verification.Sound() }

// Snapshot verifies a snapshot of a catalog and records the outcome. Without an error the snapshot is sound. With an
// error and an outcome, the snapshot is not sound, or the outcome could not be recorded. Without an outcome, the error
// says what kept firn from looking: this says nothing about the snapshot, and is not recorded.
func Snapshot(ctx context.Context, known *session.Catalog, snap *snapshot.Snapshot, o Options) (*Outcome, error) {
	r := &run{known, o}
	started := r.Now()
	saw, err := r.inspect(ctx, snap)
	if err != nil {
		return nil, r.cannotVerify(snap, err)
	}
	found := &snapshot.Verification{Time: r.Now(), How: saw.how, Unchecked: strings.Join(saw.unchecked, "; ")}
	if saw.unsound != nil {
		found.Problem = saw.unsound.Error()
	}
	result := &Outcome{Snapshot: snap, Verification: found, Took: r.Now().Sub(started)}
	if found.Sound() {
		result.Doubt = snapshot.Doubt(known.All)(snap)
	}
	if err = r.Repo.Note(ctx, snapshot.Note{Snapshot: snap.ID, Verified: found}); err != nil {
		err = fmt.Errorf("verify %s: the outcome could not be recorded: %w", snap.Environment, err)
	}
	if saw.unsound == nil {
		return result, err
	}
	return result, errors.Join(r.unsound(snap, saw.unsound), err)
}

// run verifies snapshots of a catalog.
type run struct {
	*session.Catalog
	options Options
}

// cannotVerify is the error for a snapshot that could not be looked at. If the SQL is wrong, it says where that stands.
func (r *run) cannotVerify(snap *snapshot.Snapshot, err error) error {
	if wrong, ok := errors.AsType[*sqlite.StatementError](err); ok {
		return outcome.Usage(fmt.Sprintf("Correct verify of %s in %s. Nothing was recorded.", r.Conf.Lookup(snap.Environment).Header(), r.Conf.Path),
			"verify %s: %w", snap.Environment, wrong)
	}
	err = fmt.Errorf("verify %s: %w", snap.Environment, err)
	if errors.Is(err, sqlite.ErrNoSpace) {
		return outcome.Failed("Make room there, or name a folder with more: --temp-dir, or TMPDIR.", "%w", err)
	}
	return err
}

// unsound is the error for a snapshot that is not sound.
func (r *run) unsound(snap *snapshot.Snapshot, err error) error {
	hint := "" // for a damaged repository, the table has one
	if _, ok := errors.AsType[*repo.CorruptError](err); !ok {
		hint = outcome.DamagedHint(snap.ID.Short()) + r.WayToSound(snap)
	}
	return outcome.New(fmt.Errorf("verify %s: snapshot %s, %s, is not sound: %w", snap.Environment, snap.ID.Short(), r.WhenTaken(snap), err), outcome.CodeDamage, hint)
}
