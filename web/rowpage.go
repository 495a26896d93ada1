package web

import (
	"context"
	"net/http"
	"net/url"

	"firn/history"
	"firn/rows"
	"firn/snapshot"
	"firn/sqlite"
	"firn/sqlite/browse"
	"firn/web/shown"
)

// The bounds of a history in a page, which is a part of it.
const (
	mostVersions  = 200      // events of a table
	heldVersions  = 16 << 20 // bytes of the versions of a row
	longestOfPast = 4 << 20  // bytes of a value
)

// rowLink leads from a row of a snapshot to its history. There, the row goes by what names it for good, so that the link is good
// when the snapshot is gone.
func (c *call) rowLink() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	table, query := c.query.Get("table"), url.Values{"table": {c.query.Get("table")}, "at": {snap.ID.String()}}
	err = c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) error {
		found, err := browse.Identify(v, table, []string{c.query.Get("key")})
		if err != nil {
			return err
		}
		query.Set("key", browse.EncodeKey(found.Rows[0]))
		if found.Columns == nil {
			query.Set("by", found.RowID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	link := shown.PastLink(snap, "row", query)
	if len(link) > longestLink {
		return refuse(http.StatusUnprocessableEntity, `"firn history" takes it.`, "the key of the row is too long for a link")
	}
	http.Redirect(c.w, c.r, link, http.StatusSeeOther)
	return nil
}

// longestLink is the length in bytes of a link that a browser can send back.
const longestLink = maxHeader / 2

// past returns the snapshots that a history is of, as the URL or the body of a request says.
func (c *call) past(name, since, until string) (list []*snapshot.Snapshot, err error) {
	env, err := c.environment()
	if err != nil {
		return nil, err
	}
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return nil, err
	}
	return history.Choice{Environment: env, Database: name, Since: since, Until: until}.Of(c.v.s.Caller, c.visible(known.All))
}

// rowHistory reads the history of a row, as much of it as there is time for.
func (c *call) rowHistory(list []*snapshot.Snapshot, table string, key rows.Key) (h *history.Row, err error) {
	err = c.bounded(func(ctx context.Context) (err error) {
		soon, cancel := context.WithTimeout(ctx, c.v.o.Limits.QueryTime/3)
		defer cancel()
		h, err = history.RecentOfRow(ctx, c.v.s.Repo, list, table, key, history.Bounds{Done: soon.Done(), Held: heldVersions, Longest: longestOfPast})
		return err
	})
	return h, err
}

// tableHistory reads the history of a table, the newest event first, as much of it as there is time for.
func (c *call) tableHistory(list []*snapshot.Snapshot, table string) (h *history.Table, events []history.TableEvent, err error) {
	err = c.bounded(func(ctx context.Context) (err error) {
		soon, cancel := context.WithTimeout(ctx, c.v.o.Limits.QueryTime/3)
		defer cancel()
		h, err = history.RecentOfTable(ctx, c.v.s.Repo, list, table, history.Bounds{Done: soon.Done()}, func(e history.TableEvent) error {
			if events = append(events, e); len(events) == mostVersions {
				cancel()
			}
			return nil
		})
		return err
	})
	return h, events, err
}

// rowPage shows what has happened to a row.
func (c *call) rowPage() error {
	table, key := c.query.Get("table"), rows.Key{By: c.query.Get("by")}
	var err error
	if key.Values, err = browse.DecodeKey(c.query.Get("key")); err != nil {
		return err
	}
	list, err := c.past(c.query.Get("name"), "", c.query.Get("until"))
	if err != nil {
		return err
	}
	h, err := c.rowHistory(list, table, key)
	if err != nil {
		return err
	}
	at, gone := c.cameFrom()
	r := shown.NewRowPast(h, list[0], at, c.query)
	r.Gone = gone
	return c.show("row", r.Table, r, append(crumbs(list[0]), crumb{h.Table, shown.PastLink(list[0], "history", url.Values{"table": {h.Table}})})...)
}

// cameFrom returns the snapshot from which a person comes to the history of a row, nil for none.
func (c *call) cameFrom() (at *snapshot.Snapshot, gone bool) {
	ref := c.query.Get("at")
	if ref == "" {
		return nil, false
	}
	at, err := c.find(ref)
	return at, err != nil
}

// historyPage shows what has happened to a table.
func (c *call) historyPage() error {
	list, err := c.past(c.query.Get("name"), "", c.query.Get("until"))
	if err != nil {
		return err
	}
	h, events, err := c.tableHistory(list, c.query.Get("table"))
	if err != nil {
		return err
	}
	return c.show("history", h.Table, shown.NewTablePast(h, list[0], events, c.query), crumbs(list[0])...)
}
