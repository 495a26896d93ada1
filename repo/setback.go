package repo

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"firn/snapshot"
	"firn/store"
)

// confirmedState begins, after statePrefix, the names of the cache entries with the last
// snapshot of each database that this host was told is stored: its high-water mark.
const confirmedState = "confirmed"

// SetBack tells that the store does not show a snapshot which this host was told
// is stored, nor any later one of its database: the store may show an older state
// of itself, because a copy was put back or somebody who can write to it did so.
// Or another host has forgotten the snapshot by its ID. What is there is sound.
type SetBack struct {
	ID          snapshot.ID // of the snapshot that is missing
	Environment string
	Database    string
	Sequence    uint64
	Time        time.Time
	Newest      *snapshot.Snapshot // of the database that is there; nil for none
}

// confirmed is what such an entry seals.
type confirmed struct {
	ID          snapshot.ID `json:"id"`
	Environment string      `json:"environment"`
	Database    string      `json:"database"`
	Sequence    uint64      `json:"sequence"`
	Time        time.Time   `json:"time"`
	Forgotten   bool        `json:"forgotten,omitempty"` // by this host
}

// lastConfirmed returns the mark of a database, nil if there is none.
func (r *Repo) lastConfirmed(environment, database string) *confirmed {
	return r.mark(r.stateEntry(confirmedState, environment, database))
}

func (r *Repo) mark(entry string) *confirmed {
	m := &confirmed{}
	if !r.getState(entry, m) || m.ID.IsZero() {
		return nil
	}
	return m
}

func (r *Repo) setMark(m *confirmed) {
	r.putState(r.stateEntry(confirmedState, m.Environment, m.Database), m)
}

// setConfirmed remembers a snapshot that was confirmed.
func (r *Repo) setConfirmed(s *snapshot.Snapshot) {
	r.setMark(&confirmed{ID: s.ID, Environment: s.Environment, Database: s.Database, Sequence: s.Sequence, Time: s.Time})
}

// forgetConfirmed takes note of snapshots that this host has forgotten itself.
func (r *Repo) forgetConfirmed(ids []snapshot.ID) {
	for _, m := range r.marks() {
		if slices.Contains(ids, m.ID) {
			m.Forgotten = true
			r.setMark(m)
		}
	}
}

// marks returns all marks, in the order of environments and databases.
func (r *Repo) marks() []*confirmed {
	var marks []*confirmed
	for name := range r.cache.objects {
		if !strings.HasPrefix(name, statePrefix+confirmedState+"/") {
			continue
		}
		if m := r.mark(name); m != nil {
			marks = append(marks, m)
		}
	}
	slices.SortFunc(marks, func(a, b *confirmed) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Database, b.Database))
	})
	return marks
}

// setBack compares a mark with what the store shows, nil for nothing wrong. A
// record that is listed but damaged is there; one that a later run was about to
// forget has gone rightly.
func (m *confirmed) setBack(records []store.Object, list []*snapshot.Snapshot) *SetBack {
	if m == nil || m.Forgotten {
		return nil
	}
	newest := snapshot.Latest(list, m.Environment, m.Database)
	if newest != nil && newest.Sequence >= m.Sequence {
		return nil
	}
	for _, o := range records {
		if id, _ := snapshot.ParseObjectName(o.Name); id == m.ID {
			return nil
		}
	}
	for _, s := range list {
		if slices.Contains(s.Forgot, m.ID) {
			return nil
		}
	}
	return &SetBack{ID: m.ID, Environment: m.Environment, Database: m.Database, Sequence: m.Sequence, Time: m.Time, Newest: newest}
}
