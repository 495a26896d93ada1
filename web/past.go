package web

import (
	"context"

	"firn/answer"
	"firn/history"
	"firn/rows"
	"firn/snapshot"
)

// history answers with what has happened to a row, or without a key to a table.
func (c *call) history() error {
	list, err := c.past(c.query.Get("name"), c.query.Get("since"), c.query.Get("until"))
	if err != nil {
		return err
	}
	table := c.query.Get("table")
	if !c.query.Has("key") {
		return c.sendTableHistory(list, table)
	}
	h, err := c.rowHistory(list, table, rows.Key{By: c.query.Get("by"), Words: c.query["key"]})
	if err != nil {
		return err
	}
	return c.sendJSON(answer.RowPast{Versions: answer.NewVersions(h), Summary: answer.NewRowHistory(h)})
}

// sendTableHistory sends the history of a table.
func (c *call) sendTableHistory(list []*snapshot.Snapshot, table string) error {
	h, events, err := c.tableHistory(list, table)
	if err != nil {
		return err
	}
	m := answer.TablePast{Events: []answer.TableEvent{}, Summary: answer.NewTableHistory(h)}
	for _, e := range events {
		m.Events = append(m.Events, answer.NewTableEvent(e))
	}
	return c.sendJSON(m)
}

// findOrder is the body of a search for the moment since when a condition is true.
type findOrder struct {
	SQL    string `json:"sql"`
	Linear bool   `json:"linear,omitempty"` // ask all snapshots
	Name   string `json:"name,omitempty"`   // of the database
	Since  string `json:"since,omitempty"`
	Until  string `json:"until,omitempty"`
}

// findFirst answers with the first snapshot where a condition is true.
func (c *call) findFirst() error {
	var o findOrder
	if err := c.readJSON(&o); err != nil {
		return err
	}
	list, err := c.past(o.Name, o.Since, o.Until)
	if err != nil {
		return err
	}
	look := history.First
	if o.Linear {
		look = history.Changes
	}
	var found *history.Found
	err = c.bounded(func(ctx context.Context) (err error) {
		found, err = look(ctx, c.v.s.Repo, list, o.SQL)
		return err
	})
	if err != nil {
		return err
	}
	return c.sendJSON(answer.NewFound(found))
}
