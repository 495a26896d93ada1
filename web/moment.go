package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"firn/report"
	"firn/snapshot"
	"firn/sqlite"
	"firn/upkeep"
	"firn/web/condition"
	"firn/web/shown"
)

func itoa(n int) string { return strconv.Itoa(n) }

// momentView is the page of a snapshot.
type momentView struct {
	*snapshot.Snapshot
	Words        []condition.Word
	Older, Newer *snapshot.Snapshot
	Tables       []tableLine
	Total        int
	More         string // the link to further tables; "" for none
	Unread       string // why the tables are not listed; "" if they are
	SQL          string
}

// OwnTags returns the tags that people have given the snapshot, and can take away.
func (m momentView) OwnTags() []string {
	return upkeep.FreeTags(m.Snapshot)
}

// tableLine is a table of a snapshot.
type tableLine struct {
	Name, Type string
	Rows       string // "" if they were not counted
}

// tablesOnPage is how many tables a page lists.
const tablesOnPage = 500

// crumbs returns the way to a snapshot.
func crumbs(s *snapshot.Snapshot) []crumb {
	return []crumb{{"All databases", "/"}, {report.Clean(s.Environment), "/databases/" + url.PathEscape(s.Environment)}}
}

// crumbsBelow returns the way to a page of a snapshot.
func (c *call) crumbsBelow(s *snapshot.Snapshot) []crumb {
	return append(crumbs(s), crumb{c.v.s.When(s.Time), "/snapshots/" + s.ID.String()})
}

// snapshotPage shows a snapshot with its tables.
func (c *call) snapshotPage() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return err
	}
	m := momentView{Snapshot: snap, Words: c.wordsOf(snap)}
	m.Older, m.Newer = c.neighbours(known, snap)
	skip, err := c.number("skip", 0, 1<<30)
	if err != nil {
		return err
	}
	if c.mayRead() && !snap.IsStream() {
		tables, err := c.tables(snap)
		if err != nil {
			m.Unread = err.Error()
		}
		m.list(tables, skip)
	}
	return c.show("snapshot", c.v.s.When(snap.Time), m, crumbs(snap)...)
}

// list takes a part of the tables.
func (m *momentView) list(tables []tableLine, skip int) {
	m.Total = len(tables)
	skip = min(skip, len(tables))
	end := min(skip+tablesOnPage, len(tables))
	m.Tables = tables[skip:end]
	if end < len(tables) {
		m.More = "?skip=" + itoa(end)
	}
}

// tables returns the tables and views of a snapshot with the counts of its record, by name.
func (c *call) tables(snap *snapshot.Snapshot) (lines []tableLine, err error) {
	counts := make(map[string]string)
	for _, t := range snap.Image().Tables {
		if t.Rows >= 0 {
			counts[t.Name] = strconv.FormatInt(t.Rows, 10)
		}
	}
	const query = "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"
	err = c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) error {
		return v.Query(query, func([]string) error { return nil }, func(row []any) error {
			name, _ := row[0].(string)
			kind, _ := row[1].(string)
			lines = append(lines, tableLine{name, kind, counts[strings.ToValidUTF8(name, "\ufffd")]})
			return nil
		})
	})
	return lines, err
}

// rowLine is a row with its cells for people.
type rowLine struct{ Cells []shown.Cell }

// tableView is the page of a table's rows.
type tableView struct {
	shown.Table
	History string // the link to the history of the table
	Since   string // the link to what differs from the newest copy; "" if this is it
}

// tablePage shows rows of a table, or sends them.
func (c *call) tablePage() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	if c.query.Has("form") {
		query, err := shown.ReadForm(c.query)
		if err != nil {
			return badRequest("read form: %w", err)
		}
		http.Redirect(c.w, c.r, c.r.URL.EscapedPath()+"?"+query.Encode(), http.StatusSeeOther)
		return nil
	}
	if format := c.query.Get("format"); format != "" {
		if format == "json" {
			setFileName(c.w.Header(), snap, "json")
		}
		return c.sendTable(snap, format)
	}
	p, err := c.page(snap, longestCell)
	if err != nil {
		return err
	}
	t := tableView{Table: shown.NewTable(snap, c.query.Get("table"), p, c.browseOptions(), c.query)}
	t.History = shown.PastLink(snap, "history", url.Values{"table": {t.Name}})
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return err
	}
	if newest := c.newestOf(known, snap); newest.ID != snap.ID {
		t.Since = "/diff?" + url.Values{"from": {snap.ID.String()}, "to": {newest.ID.String()}, "table": {t.Name}}.Encode()
	}
	return c.show("table", t.Name, t, c.crumbsBelow(snap)...)
}

// schemaView is the page of a snapshot's schema.
type schemaView struct {
	*snapshot.Snapshot
	Objects []schemaObject
	Cut     bool
}

// schemaObject is a definition.
type schemaObject struct{ Type, Name, SQL string }

// mostObjects is how many definitions the page shows.
const mostObjects = 2000

// schemaPage shows the definitions of a snapshot's database.
func (c *call) schemaPage() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	s := schemaView{Snapshot: snap}
	const query = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name"
	err = c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) error {
		return v.Query(query, func([]string) error { return nil }, func(row []any) error {
			if len(s.Objects) == mostObjects {
				return errEnough
			}
			var o schemaObject
			o.Type, _ = row[0].(string)
			o.Name, _ = row[1].(string)
			o.SQL, _ = row[2].(string)
			s.Objects = append(s.Objects, o)
			return nil
		})
	})
	s.Cut = errors.Is(err, errEnough)
	if err != nil && !s.Cut {
		return err
	}
	return c.show("schema", "Schema", s, c.crumbsBelow(snap)...)
}

// queryView is the page of a statement and its rows.
type queryView struct {
	*snapshot.Snapshot
	SQL     string
	Columns []string
	Rows    []rowLine
	Cut     bool
	Problem *Problem
}

// queryPage runs the statement of the form, and shows or sends its rows.
func (c *call) queryPage() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	if err := c.readForm(); err != nil {
		return err
	}
	sql := c.r.PostForm.Get("sql")
	if format := c.r.PostForm.Get("format"); format != "" && format != "table" {
		if format == "json" {
			setFileName(c.w.Header(), snap, "json")
		}
		return c.sendRows(snap, sql, format)
	}
	q := queryView{Snapshot: snap, SQL: sql}
	err = c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) error { return v.Query(sql, q.head, q.row) })
	status := http.StatusOK
	if q.Cut = errors.Is(err, errEnough); err != nil && !q.Cut {
		p := newProblem(err)
		q.Problem, status = &p, p.Status
	}
	return c.showAs(status, "query", "SQL", q, c.crumbsBelow(snap)...)
}

// head takes the names of the columns.
func (q *queryView) head(columns []string) error {
	q.Columns = columns
	return nil
}

// row takes a row, unless the page is full.
func (q *queryView) row(values []any) error {
	if len(q.Rows) == mostRows || len(q.Rows)*len(values) > mostCells {
		return errEnough
	}
	var line rowLine
	for _, value := range values {
		line.Cells = append(line.Cells, shown.NewCell(value))
	}
	q.Rows = append(q.Rows, line)
	return nil
}

// mostCells is how many values a page shows.
const mostCells = 100_000
