package shown

import (
	"net/url"

	"firn/diff"
	"firn/history"
	"firn/rows"
	"firn/snapshot"
)

// Past is what the pages of a history share.
type Past struct {
	Newest             *snapshot.Snapshot // of this part of the history
	Older              string             // the link to the rest of the history; "" for none
	Damaged, Forgotten int                // snapshots that were left out
}

// newPast fills a [Past]. The query is that of the page's address.
func newPast(newest *snapshot.Snapshot, rest []*snapshot.Snapshot, skipped []history.Skipped, query url.Values) Past {
	p := Past{Newest: newest}
	if len(rest) > 0 {
		p.Older = With(query, "until", rest[0].ID.String())
	}
	for _, s := range skipped {
		if s.Forgotten {
			p.Forgotten++
		} else {
			p.Damaged++
		}
	}
	return p
}

// RowPast is the history of a row.
type RowPast struct {
	*history.Row
	Past
	Label     string             // the key
	At        *snapshot.Snapshot // with which the newest is compared; nil for none
	Gone      bool               // the snapshot to compare with is not there any more
	TooOld    bool               // the snapshot to compare with is in an older part of the history
	Fields    []Field            // the values then and now
	More      int                // columns that are left out
	Then, Now bool               // the row was there, and is there
	Versions  []Version
	RowKey    string // of the address
	By        string // of the address
	Plan      string // the address for plans
}

// NewRowPast fills a [RowPast]. The row is compared with what it was in another snapshot, unless that is nil.
func NewRowPast(h *history.Row, newest, other *snapshot.Snapshot, query url.Values) RowPast {
	r := RowPast{
		Row: h, Past: newPast(newest, h.Rest, h.Skipped, query), Label: NewCell(h.Key.String()).Text, Versions: Versions(h),
		RowKey: query.Get("key"), By: h.Key.By, Plan: RowsLink(newest.Environment, "plan", h.Table),
	}
	now := versionAt(h.Events, newest)
	var then rows.Row
	switch {
	case other == nil || other.Series() != newest.Series() || other.ID == newest.ID || other.Time.After(newest.Time):
	case h.Rest != nil && other.Time.Before(h.Rest[0].Time):
		r.TooOld = true
	default:
		r.At, then = other, versionAt(h.Events, other)
	}
	r.Fields, r.More = Values(then, now)
	r.Then, r.Now = then != nil, now != nil
	return r
}

// versionAt returns the row as a snapshot has it, nil if it is not there.
func versionAt(events []history.Event, at *snapshot.Snapshot) (found rows.Row) {
	for _, e := range events {
		if e.Snapshot.Time.After(at.Time) {
			break
		}
		if found = e.Row; e.Kind == diff.Removed {
			found = nil
		}
	}
	return found
}

// RowsLink returns an address for rows of a table that are brought back.
func RowsLink(environment, page, table string) string {
	return "/databases/" + url.PathEscape(environment) + "/rows/" + page + "?" + url.Values{"table": {table}}.Encode()
}

// TablePast is the history of a table.
type TablePast struct {
	*history.Table
	Past
	Lines []TableLine
}

// TableLine is an event of a table.
type TableLine struct {
	history.TableEvent
	Text string
	Link string // to the rows that differ
}

// NewTablePast fills a [TablePast].
func NewTablePast(h *history.Table, newest *snapshot.Snapshot, events []history.TableEvent, query url.Values) TablePast {
	p := TablePast{Table: h, Past: newPast(newest, h.Rest, h.Skipped, query)}
	for _, e := range events {
		link := "/diff?" + url.Values{"from": {e.Before.ID.String()}, "to": {e.Snapshot.ID.String()}, "table": {h.Table}}.Encode()
		p.Lines = append(p.Lines, TableLine{e, e.Remark(), link})
	}
	return p
}
