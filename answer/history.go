package answer

import (
	"firn/diff"
	"firn/history"
	"firn/snapshot"
)

// Version is an event of a row in JSON.
type Version struct {
	Type     string   `json:"message_type"` // "version"
	Change   string   `json:"change"`       // "present", "added", "changed", "removed", "absent", "unknown"
	Snapshot Snapshot `json:"snapshot"`
	Previous string   `json:"previous,omitempty"` // the ID of the snapshot before
	Values   Fields   `json:"values,omitempty"`   // the whole row; of a removed one as it was last
	Before   Fields   `json:"before,omitempty"`   // the columns in which a changed row differs
	After    Fields   `json:"after,omitempty"`
	Came     Fields   `json:"columns_added,omitempty"`   // columns of a changed row that the table has got
	Went     Fields   `json:"columns_removed,omitempty"` // and those that it has lost
	Reason   string   `json:"reason,omitempty"`          // why the row is not there, or not known
}

// Period is what snapshots were looked at, in JSON.
type Period struct {
	Environment string   `json:"environment"`
	Snapshots   int      `json:"snapshots"`
	Oldest      Snapshot `json:"oldest"`
	Newest      Snapshot `json:"newest"`
	Unreadable  []string `json:"unreadable"` // the IDs of snapshots that could not be read
	Forgotten   []string `json:"forgotten"`  // the IDs of those that were forgotten meanwhile
}

// newPeriod fills a [Period]. There is a snapshot.
func newPeriod(list []*snapshot.Snapshot, left []history.Skipped) Period {
	m := Period{
		Environment: list[0].Environment, Snapshots: len(list), Unreadable: []string{}, Forgotten: []string{},
		Oldest: NewSnapshot(list[len(list)-1]), Newest: NewSnapshot(list[0]),
	}
	for _, s := range left {
		if s.Forgotten {
			m.Forgotten = append(m.Forgotten, s.Snapshot.ID.String())
		} else {
			m.Unreadable = append(m.Unreadable, s.Snapshot.ID.String())
		}
	}
	return m
}

// RowHistory is the end of a row's history in JSON.
type RowHistory struct {
	Type  string `json:"message_type"` // "summary"
	Table string `json:"table"`
	Key   string `json:"key"`
	Rowid bool   `json:"by_rowid"` // the key is a rowid, which SQLite may have given to another row
	Read  int    `json:"read"`     // how many of the snapshots were read
	Period
	Older string `json:"older,omitempty"` // the snapshot up to which the rest of the history is asked for; "" if this is all of it
}

// NewRowHistory fills a [RowHistory].
func NewRowHistory(h *history.Row) RowHistory {
	return RowHistory{"summary", h.Table, h.Key.String(), h.ByRowID, h.Asked, newPeriod(h.Snapshots, h.Skipped), older(h.Rest)}
}

// older returns the ID of the first snapshot of the rest of a history, "" for none.
func older(rest []*snapshot.Snapshot) string {
	if len(rest) == 0 {
		return ""
	}
	return rest[0].ID.String()
}

// NewVersions returns the events of a row for JSON, the oldest first.
func NewVersions(h *history.Row) []Version {
	all := make([]Version, 0, len(h.Events))
	for _, e := range h.Events {
		m := Version{
			Type: "version", Change: e.Kind, Snapshot: NewSnapshot(e.Snapshot),
			Values: Fields(e.Row), Came: e.Came, Went: e.Went, Reason: e.Reason,
		}
		if e.Before != nil {
			m.Previous = e.Before.ID.String()
		}
		for _, f := range e.Changed {
			m.Before = append(m.Before, diff.Field{Name: f.Name, Value: f.Before})
			m.After = append(m.After, diff.Field{Name: f.Name, Value: f.After})
		}
		all = append(all, m)
	}
	return all
}

// TableEvent is an event of a table in JSON.
type TableEvent struct {
	Type     string   `json:"message_type"` // "event"
	Snapshot Snapshot `json:"snapshot"`
	Previous string   `json:"previous"` // the ID of the snapshot before
	TableChange
	Made      bool     `json:"made"`
	Dropped   bool     `json:"dropped"`
	Redefined bool     `json:"redefined"`
	Came      []string `json:"columns_added,omitempty"`
	Went      []string `json:"columns_removed,omitempty"`
}

// NewTableEvent fills a [TableEvent].
func NewTableEvent(e history.TableEvent) TableEvent {
	return TableEvent{"event", NewSnapshot(e.Snapshot), e.Before.ID.String(), NewTableChange(e.Rows), e.Made, e.Dropped, e.Redefined, e.Came, e.Went}
}

// TableHistory is the end of a table's history in JSON.
type TableHistory struct {
	Type  string `json:"message_type"` // "summary"
	Table string `json:"table"`
	Period
	Older string `json:"older,omitempty"` // as of a [RowHistory]
}

// NewTableHistory fills a [TableHistory].
func NewTableHistory(h *history.Table) TableHistory {
	return TableHistory{"summary", h.Table, newPeriod(h.Snapshots, h.Skipped), older(h.Rest)}
}

// RowPast is the history of a row in one piece.
type RowPast struct {
	Versions []Version  `json:"versions"` // the oldest first
	Summary  RowHistory `json:"summary"`
}

// TablePast is the history of a table in one piece.
type TablePast struct {
	Events  []TableEvent `json:"events"` // the newest first
	Summary TableHistory `json:"summary"`
}

// Asked is the answer of a snapshot to a condition in JSON.
type Asked struct {
	Snapshot Snapshot `json:"snapshot"`
	Answer   string   `json:"answer"` // "true", "false", "cannot be asked"
	Reason   string   `json:"reason,omitempty"`
}

// Found is since when a condition is true, in JSON.
type Found struct {
	Type    string  `json:"message_type"`      // "summary"
	First   *Asked  `json:"first"`             // where it is true; null: nowhere
	Before  *Asked  `json:"before"`            // the snapshot before; null: there is none
	Changes []Asked `json:"changes,omitempty"` // with --linear: the oldest answer, and each other one
	Asked   int     `json:"asked"`
	Period
}

// newAsked returns an answer for JSON, nil for none.
func newAsked(a *history.Answer) *Asked {
	if a == nil {
		return nil
	}
	return &Asked{NewSnapshot(a.Snapshot), a.Truth.String(), a.Reason}
}

// NewFound fills a [Found].
func NewFound(f *history.Found) Found {
	m := Found{Type: "summary", First: newAsked(f.First), Before: newAsked(f.Before), Asked: f.Asked, Period: newPeriod(f.Snapshots, f.Skipped)}
	for _, a := range f.Changes {
		m.Changes = append(m.Changes, *newAsked(&a))
	}
	return m
}
