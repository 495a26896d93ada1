// Package verify finds out whether snapshots are sound, and records the outcome in the repository. A snapshot of which that is
// known already is opened where it is, and its environment's own SQL is run on it. Another one is restored to a private temporary file
// and checked, once a week by SQLite's own checks too.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Full    bool   // all checks, SQLite's own too, whatever is known of the snapshot and whenever they were made last
}

// Outcome is how a snapshot was found.
type Outcome struct {
	Snapshot *snapshot.Snapshot
	// Verification is as it was recorded, now or before. Its Whole is set unless all pages were checked now.
	Verification *snapshot.Verification
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
	result := &Outcome{Snapshot: snap, Verification: saw.recorded, Took: r.Now().Sub(started)}
	if saw.recorded == nil {
		result.Verification = saw.verification(r.Now())
		err = r.record(ctx, result)
	}
	if result.Sound() {
		result.Doubt = r.doubt(result)
	}
	if saw.unsound == nil {
		return result, err
	}
	return result, errors.Join(r.unsound(snap, saw.unsound), err)
}

// verification returns what is to be recorded.
func (saw *inspection) verification(now time.Time) *snapshot.Verification {
	found := &snapshot.Verification{Time: now, How: saw.how, Since: saw.since, Whole: saw.whole, Unchecked: saw.unchecked}
	if saw.unsound != nil {
		found.Problem = saw.unsound.Error()
	}
	return found
}

// record adds the outcome to the repository.
func (r *run) record(ctx context.Context, found *Outcome) error {
	if err := r.Repo.Note(ctx, snapshot.Note{Snapshot: found.Snapshot.ID, Verified: found.Verification}); err != nil {
		return fmt.Errorf("verify %s: the outcome could not be recorded: %w", found.Snapshot.Environment, err)
	}
	return nil
}

// doubt says why latest-verified does not mean a snapshot that was found sound; "" for nothing.
func (r *run) doubt(found *Outcome) string {
	judged := *found.Snapshot
	judged.Verified = found.Verification
	list := slices.Clone(r.All)
	if i := slices.Index(list, found.Snapshot); i >= 0 {
		list[i] = &judged
	}
	return snapshot.Doubt(list)(&judged)
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
	return outcome.New(fmt.Errorf("verify %s: snapshot %s, %s, is not sound: %w", snap.Environment, snap.ID.Short(), r.WhenTaken(snap), err),
		outcome.CodeDamage, r.hint(snap, err))
}

// hint says what to do about a snapshot that is not sound. It is "" for a damaged repository, for which the table of outcomes has one.
func (r *run) hint(snap *snapshot.Snapshot, err error) string {
	if _, ok := errors.AsType[*repo.CorruptError](err); ok {
		return ""
	}
	if _, ok := errors.AsType[*DisagreementError](err); ok {
		return fmt.Sprintf(`One of the two is wrong: report both findings to the makers of firn. "firn pin %s" keeps the snapshot for that.`, snap.ID.Short()) + r.WayToSound(snap)
	}
	return outcome.DamagedHint(snap.ID.Short()) + r.WayToSound(snap)
}
