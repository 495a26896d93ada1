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

// confirmedState begins the names of the marks: the last snapshot of each database that this
// host was told is stored.
const confirmedState = "confirmed"

// SetBack tells that the store does not show a snapshot which this host was told
// is stored, nor any later one of its database: the store may show an older state
// of itself, because a copy was put back or somebody who can write to it did so.
// What is there is sound.
type SetBack struct {
	ID          snapshot.ID // of the snapshot that is missing
	Environment string
	Database    string
	Sequence    uint64
	Time        time.Time
	Newest      *snapshot.Snapshot // of the database that is there; nil for none

	// Uncertain is set where later snapshots are there, and nothing that is left tells whether
	// those who took them have seen the missing one: it may have been forgotten long ago.
	Uncertain bool
}

// Series returns what the missing snapshot was one of.
func (b *SetBack) Series() snapshot.Series {
	return snapshot.Series{Environment: b.Environment, Database: b.Database}
}

// confirmed is what a mark seals.
type confirmed struct {
	ID          snapshot.ID `json:"id"`
	Environment string      `json:"environment"`
	Database    string      `json:"database"`
	Sequence    uint64      `json:"sequence"`
	Time        time.Time   `json:"time"`
	Stored      time.Time   `json:"stored,omitzero"`     // when it was acknowledged; zero for not known
	Forgotten   bool        `json:"forgotten,omitempty"` // by this host

	// Lost is a snapshot that was found missing when a later one was confirmed: no other takes
	// its place until somebody has acknowledged that.
	Lost *confirmed `json:"lost,omitempty"`
}

func (m *confirmed) series() snapshot.Series {
	return snapshot.Series{Environment: m.Environment, Database: m.Database}
}

// SetBack compares what this host was told with what the store shows, in the order of
// environments and databases. It asks the store for nothing as long as what was told is there.
func (r *Repo) SetBack(ctx context.Context) ([]*SetBack, error) {
	marks := r.marks()
	missing := func(m *confirmed) bool { return !m.Forgotten && !m.listed(r.listing) || m.Lost != nil }
	if !slices.ContainsFunc(marks, missing) {
		return nil, nil
	}
	return r.lookBack(ctx, marks)
}

// setBackIn compares marks with a view. It may be older than the marks, as another process
// of this host may have stored a snapshot since: so what is missing is looked for again. What is
// uncertain is left out.
func (r *Repo) setBackIn(ctx context.Context, v *view, list []*snapshot.Snapshot, marks ...*confirmed) ([]*SetBack, error) {
	if len(setBacks(marks, v.records, list)) == 0 {
		return nil, nil
	}
	found, err := r.lookBack(ctx, marks)
	return slices.DeleteFunc(found, func(b *SetBack) bool { return b.Uncertain }), err
}

// lookBack compares marks with a listing that is made after they were read.
func (r *Repo) lookBack(ctx context.Context, marks []*confirmed) ([]*SetBack, error) {
	r.listing = nil
	v, err := r.lookToRead(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.readSnapshots(ctx, v) // what cannot be read is there
	if list == nil {
		return nil, err
	}
	return setBacks(marks, v.records, list), nil
}

func setBacks(marks []*confirmed, records []store.Object, list []*snapshot.Snapshot) []*SetBack {
	var found []*SetBack
	for _, m := range marks {
		if b := m.setBack(records, list); b != nil {
			found = append(found, b)
		}
	}
	return found
}

// AcceptSetBack takes what the store shows for true, where it shows less than this host was
// told: later calls compare with that.
func (r *Repo) AcceptSetBack(ctx context.Context) error {
	missing, err := r.lookBack(ctx, r.marks())
	if err != nil {
		return err
	}
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
	r.cache.flush()
	return nil
}

// lastConfirmed returns the mark of a database, nil if there is none.
func (r *Repo) lastConfirmed(environment, database string) *confirmed {
	return r.mark(r.stateEntry(confirmedState, environment, database))
}

func (r *Repo) mark(entry string) *confirmed {
	var last *confirmed
	for _, sealed := range r.sealedLasting(entry) {
		m := &confirmed{}
		if r.openState(entry, sealed, m) && !m.ID.IsZero() && (last == nil || m.stored().After(last.stored())) {
			last = m
		}
	}
	return last
}

// UnreadMarks returns the files of [Options.StateDir] that should tell what this host has stored
// last of a database, and do not: they are damaged, or cannot be read.
func (r *Repo) UnreadMarks() []string {
	var paths []string
	for _, entry := range r.lastingFiles(confirmedState) {
		path := r.lastingPath(entry)
		sealed, err := os.ReadFile(path)
		if err == nil && r.openState(entry, sealed, &confirmed{}) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func (r *Repo) setMark(m *confirmed) {
	r.putLasting(r.stateEntry(confirmedState, m.Environment, m.Database), m)
}

// setConfirmed remembers a snapshot that was confirmed, and nothing else of its database.
func (r *Repo) setConfirmed(s *snapshot.Snapshot) { r.setMark(r.newMark(s)) }

func (r *Repo) newMark(s *snapshot.Snapshot) *confirmed {
	return &confirmed{
		ID: s.ID, Environment: s.Environment, Database: s.Database, Sequence: s.Sequence, Time: s.Time, Stored: r.opts.now().UTC(),
	}
}

// raise remembers a snapshot that was confirmed in place of the one before, but for one that
// is missing.
func (r *Repo) raise(s *snapshot.Snapshot, before *SetBack) {
	m := r.newMark(s)
	if before != nil {
		m.Lost = &confirmed{ID: before.ID, Environment: m.Environment, Database: m.Database, Sequence: before.Sequence, Time: before.Time}
	}
	r.setMark(m)
}

// forgetConfirmed takes note of snapshots that this host has forgotten itself.
func (r *Repo) forgetConfirmed(ids []snapshot.ID) {
	for _, m := range r.marks() {
		if slices.Contains(ids, m.ID) {
			m.Forgotten, m.Stored = true, r.opts.now().UTC()
			r.setMark(m)
		}
	}
}

// marks returns all marks, in the order of environments and databases.
func (r *Repo) marks() []*confirmed {
	var marks []*confirmed
	for _, entry := range r.lasting(confirmedState) {
		if m := r.mark(entry); m != nil {
			marks = append(marks, m)
		}
	}
	slices.SortFunc(marks, func(a, b *confirmed) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Database, b.Database))
	})
	return marks
}

// setBack compares a mark, nil for none, with what the store shows; it returns nil for nothing
// wrong.
func (m *confirmed) setBack(records []store.Object, list []*snapshot.Snapshot) *SetBack {
	if m == nil {
		return nil
	}
	if m.Lost != nil {
		if !m.Lost.accounted(records, list) {
			return m.Lost.missing(list)
		}
		return nil // the true store is back, without what was stored meanwhile
	}
	if m.Forgotten || m.accounted(records, list) {
		return nil
	}
	b := m.missing(list)
	b.Uncertain = m.series().LastSequence(list) >= m.Sequence && !m.passedOver(list)
	return b
}

// accounted reports whether the snapshot is there, if only as a record that is damaged, or has gone
// rightly: a run that knew of it says so. That there are later ones proves nothing, since they may
// have been taken after the store was set back, by a host that has no mark.
func (m *confirmed) accounted(records []store.Object, list []*snapshot.Snapshot) bool {
	return m.listed(records) || slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool {
		return slices.Contains(s.Gone(), m.ID) || s.Previous == m.ID || s.Parent == m.ID
	})
}

// passedOver reports whether a snapshot that was taken later proves that its run has not seen this
// one: its number or the one that it follows would be another.
func (m *confirmed) passedOver(list []*snapshot.Snapshot) bool {
	return slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool {
		// Runs that overlap need not see each other, and copies count otherwise.
		if s.Series() != m.series() || s.Original != nil || !s.Time.After(m.stored()) {
			return false
		}
		follows := func(before *snapshot.Snapshot) bool {
			return before.ID == s.Previous && before.Sequence < m.Sequence && before.Time.Before(m.Time)
		}
		return s.Sequence <= m.Sequence || slices.ContainsFunc(list, follows)
	})
}

// stored returns when it was acknowledged, as far as is known.
func (m *confirmed) stored() time.Time {
	if m.Stored.IsZero() {
		return m.Time
	}
	return m.Stored
}

func (m *confirmed) missing(list []*snapshot.Snapshot) *SetBack {
	newest := snapshot.Latest(list, m.Environment, m.Database)
	return &SetBack{ID: m.ID, Environment: m.Environment, Database: m.Database, Sequence: m.Sequence, Time: m.Time, Newest: newest}
}

// listed reports whether a listing shows the record under its own name: under any other it
// cannot be read, and passes for one of another time.
func (m *confirmed) listed(objects []store.Object) bool {
	name := (&snapshot.Snapshot{ID: m.ID, Time: m.Time}).ObjectName()
	return slices.ContainsFunc(objects, func(o store.Object) bool { return o.Name == name })
}
