package repo

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"firn/snapshot"
	"firn/store"
)

// confirmedState begins the names of the marks. For each database, a mark holds the last
// snapshot that a backup of this host has acknowledged.
const confirmedState = "confirmed"

// Rollback tells that the store shows neither a snapshot that this host has stored, nor
// any later one of its database. So the store may show an older state of itself: an old
// copy was put back, by accident or by an attacker with write access to the store. The
// snapshots that the store shows are sound.
type Rollback struct {
	ID          snapshot.ID // of the snapshot that is missing
	Environment string
	Database    string
	Sequence    uint64
	Time        time.Time
	Newest      *snapshot.Snapshot // the newest one of the database in the store; nil for none

	// Uncertain is set where the store shows later snapshots, and nothing tells whether their
	// runs have seen the missing one: it may have been forgotten long ago.
	Uncertain bool

	round snapshot.ID // that its record was a part of; zero for none
}

// Series returns the series of the missing snapshot.
func (b *Rollback) Series() snapshot.Series {
	return snapshot.Series{Environment: b.Environment, Database: b.Database}
}

// confirmed is the content of a mark.
type confirmed struct {
	ID          snapshot.ID `json:"id"`
	Environment string      `json:"environment"`
	Database    string      `json:"database"`
	Sequence    uint64      `json:"sequence"`
	Time        time.Time   `json:"time"`
	Stored      time.Time   `json:"stored,omitzero"`     // when it was acknowledged; zero for not known
	Forgotten   bool        `json:"forgotten,omitempty"` // by this host
	Round       snapshot.ID `json:"round,omitzero"`      // that its record is a part of

	// Lost is a snapshot that was missing when a later one was confirmed. It stays here until
	// a user accepts the rollback.
	Lost *confirmed `json:"lost,omitempty"`
}

func (m *confirmed) series() snapshot.Series {
	return snapshot.Series{Environment: m.Environment, Database: m.Database}
}

// Rollbacks compares the snapshots that this host has stored last with those that the store
// shows. The result is in the order of environments and databases. As long as the listing
// shows all of them, no request is made.
func (r *Repo) Rollbacks(ctx context.Context) ([]*Rollback, error) {
	marks, shown := r.marks(), r.peekOpening()
	missing := func(m *confirmed) bool { return !m.Forgotten && !m.listed(shown) || m.Lost != nil }
	if !slices.ContainsFunc(marks, missing) {
		return nil, nil
	}
	return r.compareMarks(ctx, marks)
}

// rollbacksIn compares marks with a listing. The listing may be older than the marks, as another
// process of this host may have stored a snapshot since: so it lists again before it calls a
// snapshot missing. Uncertain rollbacks are left out.
func (r *Repo) rollbacksIn(ctx context.Context, v *listing, list []*snapshot.Snapshot, marks ...*confirmed) ([]*Rollback, error) {
	if len(findRollbacks(marks, v.holders(), list)) == 0 {
		return nil, nil
	}
	found, err := r.compareMarks(ctx, marks)
	return slices.DeleteFunc(found, func(b *Rollback) bool { return b.Uncertain }), err
}

// compareMarks reads marks again, and compares them with a listing that is made after that.
// Meanwhile no operation of this handle forgets a snapshot: else it would be missing for the
// time between the deletion of its record and the note of that in its mark.
func (r *Repo) compareMarks(ctx context.Context, marks []*confirmed) ([]*Rollback, error) {
	r.marking.Lock()
	defer r.marking.Unlock()
	marks = r.readAgain(marks)
	r.dropOpening()
	v, err := r.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.readSnapshots(ctx, v) // a record that cannot be read is not missing
	if list == nil {
		return nil, err
	}
	return findRollbacks(marks, v.holders(), list), nil
}

// readAgain returns the marks of the same databases as they are now.
func (r *Repo) readAgain(marks []*confirmed) []*confirmed {
	var now []*confirmed
	for _, m := range marks {
		if m != nil {
			now = append(now, r.lastConfirmed(m.Environment, m.Database))
		}
	}
	return now
}

func findRollbacks(marks []*confirmed, records []store.Object, list []*snapshot.Snapshot) []*Rollback {
	var found []*Rollback
	for _, m := range marks {
		if b := m.rollback(records, list); b != nil {
			found = append(found, b)
		}
	}
	return found
}

// AcceptRollback accepts the state that the store shows, where snapshots of this host are
// missing. Later calls compare with that state.
func (r *Repo) AcceptRollback(ctx context.Context) error {
	missing, err := r.compareMarks(ctx, r.marks())
	if err != nil {
		return err
	}
	r.marking.Lock()
	defer r.marking.Unlock()
	for _, b := range missing {
		if b.Newest == nil {
			r.setMark(&confirmed{ID: b.ID, Environment: b.Environment, Database: b.Database, Forgotten: true, Stored: r.opts.now().UTC()})
			continue
		}
		r.setConfirmed(b.Newest)
	}
	for _, path := range r.UnreadMarks() {
		_ = os.Remove(path) // the next look tells if it is still there
	}
	r.cache.Flush()
	return nil
}

// lastConfirmed returns the mark of a database, nil if there is none.
func (r *Repo) lastConfirmed(environment, database string) *confirmed {
	return r.mark(r.stateEntry(confirmedState, environment, database))
}

func (r *Repo) mark(entry string) *confirmed {
	var last *confirmed
	for _, sealed := range r.sealedDurable(entry) {
		m := &confirmed{}
		if r.openState(entry, sealed, m) && !m.ID.IsZero() && (last == nil || m.stored().After(last.stored())) {
			last = m
		}
	}
	return last
}

// UnreadMarks returns the files of [Options.StateDir] that hold marks and are damaged, or cannot
// be read. Without its mark, a rollback of a database is not noticed.
func (r *Repo) UnreadMarks() []string {
	var paths []string
	for _, entry := range r.durableFiles(confirmedState) {
		path := r.durablePath(entry)
		sealed, err := os.ReadFile(path)
		if err == nil && r.openState(entry, sealed, &confirmed{}) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func (r *Repo) setMark(m *confirmed) {
	r.putDurable(r.stateEntry(confirmedState, m.Environment, m.Database), m)
}

// setConfirmed makes a snapshot the mark of its database, without a lost one.
func (r *Repo) setConfirmed(s *snapshot.Snapshot) { r.setMark(r.newMark(s)) }

func (r *Repo) newMark(s *snapshot.Snapshot) *confirmed {
	return &confirmed{
		ID: s.ID, Environment: s.Environment, Database: s.Database, Sequence: s.Sequence, Time: s.Time, Stored: r.opts.now().UTC(), Round: s.Round,
	}
}

// raise makes a snapshot that was confirmed the mark of its database. A rollback that was found
// before stays in the mark, as its lost snapshot.
func (r *Repo) raise(s *snapshot.Snapshot, before *Rollback) {
	m := r.newMark(s)
	if before != nil {
		m.Lost = &confirmed{ID: before.ID, Environment: m.Environment, Database: m.Database, Sequence: before.Sequence, Time: before.Time, Round: before.round}
	}
	r.marking.Lock()
	defer r.marking.Unlock()
	r.setMark(m)
}

// removeRecords deletes objects, and notes in the marks that this host itself has forgotten the
// snapshots whose records are among them.
func (r *Repo) removeRecords(ctx context.Context, ids []snapshot.ID, names ...string) error {
	r.marking.Lock()
	defer r.marking.Unlock()
	if len(names) > 0 {
		if err := r.remove(ctx, names...); err != nil {
			return err
		}
	}
	for _, m := range r.marks() {
		if slices.Contains(ids, m.ID) {
			m.Forgotten, m.Stored = true, r.opts.now().UTC()
			r.setMark(m)
		}
	}
	return nil
}

// marks returns all marks, in the order of environments and databases.
func (r *Repo) marks() []*confirmed {
	var marks []*confirmed
	for _, entry := range r.durable(confirmedState) {
		if m := r.mark(entry); m != nil {
			marks = append(marks, m)
		}
	}
	slices.SortFunc(marks, func(a, b *confirmed) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Database, b.Database))
	})
	return marks
}

// rollback compares a mark, nil for none, with the records that the store shows. It returns nil
// if nothing is missing.
func (m *confirmed) rollback(records []store.Object, list []*snapshot.Snapshot) *Rollback {
	if m == nil {
		return nil
	}
	if m.Lost != nil {
		if !m.Lost.accounted(records, list) {
			return m.Lost.missing(list)
		}
		return nil // the true store is back, without the snapshots that were stored meanwhile
	}
	if m.Forgotten || m.accounted(records, list) {
		return nil
	}
	b := m.missing(list)
	b.Uncertain = m.series().LastSequence(list) >= m.Sequence && !m.passedOver(list)
	return b
}

// accounted reports whether the snapshot is in the store, if only as a damaged record, or was
// forgotten: then the record of a run that knew the snapshot names it. Later snapshots prove
// nothing, since a host without a mark may have taken them after the rollback.
func (m *confirmed) accounted(records []store.Object, list []*snapshot.Snapshot) bool {
	return m.listed(records) || slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool {
		return slices.Contains(s.Gone(), m.ID) || s.Previous == m.ID || s.Parent == m.ID
	})
}

// passedOver reports whether a later snapshot proves that its run has not seen this one. A run
// that had seen it would have recorded a larger number, or this snapshot as the previous one.
func (m *confirmed) passedOver(list []*snapshot.Snapshot) bool {
	return slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool {
		// Runs that overlap need not see each other, and copies are numbered otherwise.
		if s.Series() != m.series() || s.Original != nil || !s.Time.After(m.stored()) {
			return false
		}
		follows := func(before *snapshot.Snapshot) bool {
			return before.ID == s.Previous && before.Sequence < m.Sequence && before.Time.Before(m.Time)
		}
		return s.Sequence <= m.Sequence || slices.ContainsFunc(list, follows)
	})
}

// stored returns when the snapshot was acknowledged, or else its own time.
func (m *confirmed) stored() time.Time {
	if m.Stored.IsZero() {
		return m.Time
	}
	return m.Stored
}

func (m *confirmed) missing(list []*snapshot.Snapshot) *Rollback {
	newest := snapshot.Latest(list, m.Environment, m.Database)
	return &Rollback{ID: m.ID, Environment: m.Environment, Database: m.Database, Sequence: m.Sequence, Time: m.Time, Newest: newest, round: m.Round}
}

// listed reports whether a listing shows the record under its own name. Under another name the
// record cannot be read, and passes for one of another time.
func (m *confirmed) listed(objects []store.Object) bool {
	name := recordObject(&snapshot.Snapshot{ID: m.ID, Time: m.Time, Round: m.Round})
	return slices.ContainsFunc(objects, func(o store.Object) bool { return o.Name == name })
}
