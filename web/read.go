package web

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"

	"firn/answer"
	"firn/diff"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
	"firn/sqlite/browse"
	"firn/web/shown"
)

// The types of answers.
const (
	textPlain = "text/plain; charset=utf-8"
	octets    = "application/octet-stream"
)

// longestValue is the length in bytes of a text, a blob or a row that a query may handle. SQLite's own limit is a gigabyte.
const longestValue = 16 << 20

// withView calls a function with the database of a snapshot: one at a time for each client, a few for all, and for some seconds.
// The context interrupts SQLite, even within a statement that never ends.
func (c *call) withView(snap *snapshot.Snapshot, longest int32, use func(context.Context, *sqlite.View) error) error {
	if snap.IsStream() {
		return session.RefuseStream(snap)
	}
	return c.bounded(func(ctx context.Context) (err error) {
		v, err := c.v.s.OpenView(ctx, snap)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, v.Close()) }()
		v.LimitLength(longest)
		return use(ctx, v)
	})
}

// bounded calls a function that reads much: one at a time for each client, a few for all, and for some seconds.
func (c *call) bounded(use func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), c.v.o.Limits.QueryTime)
	defer cancel()
	defer func() { err = c.explainLimit(ctx, err) }()
	giveBack, err := c.queryTurn(ctx)
	if err != nil {
		return err
	}
	defer giveBack()
	return use(ctx)
}

// queryTurn waits until the client has no other query, and few others have one.
func (c *call) queryTurn(ctx context.Context) (giveBack func(), err error) {
	own, err := c.v.turns.Wait(ctx, c.who)
	if err != nil {
		return nil, err
	}
	select {
	case c.v.queries <- struct{}{}:
		return func() { <-c.v.queries; own() }, nil
	case <-ctx.Done():
		own()
		return nil, ctx.Err()
	}
}

// explainLimit replaces the error of a query that took too long, whatever SQLite says when it is interrupted.
func (c *call) explainLimit(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return refuse(http.StatusServiceUnavailable, `"firn query" has no limit.`, "it took more than %v", c.v.o.Limits.QueryTime)
	}
	return err
}

// rowsMessage is a part of a table's rows in JSON.
type rowsMessage struct {
	Table   string     `json:"table"`
	Type    string     `json:"type"`
	Columns []string   `json:"columns"`
	Rows    [][]any    `json:"rows"` // null beside a length in "long" for a value that is left out
	Keys    []string   `json:"keys"`
	Long    [][3]int64 `json:"long,omitempty"` // row, column and length in bytes
	Next    string     `json:"next,omitempty"`
	Cut     bool       `json:"cut,omitempty"`
}

// The limits of a page of rows.
const (
	mostRows    = 1000
	usualRows   = 100
	longestCell = 4 << 10
)

// page reads the part of a table that the URL asks for.
func (c *call) page(snap *snapshot.Snapshot, longest int64) (p *browse.Page, err error) {
	limit, err := c.number("limit", usualRows, mostRows)
	if err != nil {
		return nil, err
	}
	from, err := c.number("from", 0, 1<<16)
	if err != nil {
		return nil, err
	}
	columns, err := c.number("columns", shown.UsualColumns, browse.MaxColumns)
	if err != nil {
		return nil, err
	}
	o := c.browseOptions()
	o.Rows, o.From, o.Columns, o.Longest = max(limit, 1), from, max(columns, 1), longest
	err = c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) (err error) {
		p, err = browse.Read(v, c.query.Get("table"), o)
		return err
	})
	return p, err
}

// browseOptions reads the order and the filter of a table from the URL.
func (c *call) browseOptions() browse.Options {
	o := browse.Options{
		After: c.query.Get("after"), Sort: c.query.Get("sort"), Descending: c.query.Has("desc"), Search: c.query.Get("search"),
		Columns: shown.UsualColumns,
	}
	o.Filter = browse.Filter{Column: c.query.Get("column"), Op: cmp.Or(c.query.Get("op"), "="), Value: c.query.Get("value")}
	return o
}

// rows answers with a part of a table.
func (c *call) rows() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	p, err := c.page(snap, longestCell)
	if err != nil {
		return err
	}
	m := rowsMessage{Table: c.query.Get("table"), Type: p.Type, Columns: p.Shown, Rows: [][]any{}, Keys: []string{}, Next: p.Next, Cut: p.Cut}
	for i, row := range p.Rows {
		values := make([]any, len(row.Cells))
		for j, cell := range row.Cells {
			values[j] = answer.Value(cell.Value)
			if cell.Long {
				m.Long = append(m.Long, [3]int64{int64(i), int64(j), cell.Size})
			}
		}
		m.Rows, m.Keys = append(m.Rows, values), append(m.Keys, row.Key)
	}
	return c.sendJSON(m)
}

// errEnough ends a query whose result is large enough.
var errEnough = errors.New("the result is large enough")

// bounded is a result that is kept until it is whole, within limits. A part of a result must not pass for the whole.
type bounded struct {
	answer.Rows
	out   *bytes.Buffer
	w     *bufio.Writer
	rows  int
	limit Limits
}

// Row writes a row, unless there are too many.
func (b *bounded) Row(values []any) error {
	b.rows++
	if b.rows > b.limit.QueryRows || b.out.Len() > b.limit.QueryBytes {
		return errEnough
	}
	return b.Rows.Row(values)
}

// queryOrder is the body of a query.
type queryOrder struct {
	SQL    string `json:"sql"`
	Format string `json:"format,omitempty"` // "json" or "csv"
}

// ask answers with the rows of a statement.
func (c *call) ask() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	var order queryOrder
	if err := c.readJSON(&order); err != nil {
		return err
	}
	return c.sendRows(snap, order.SQL, order.Format)
}

// sendRows sends the rows of a statement in a format.
func (c *call) sendRows(snap *snapshot.Snapshot, sql, format string) error {
	return c.sendResult(snap, format, func(v *sqlite.View, b *bounded) error { return v.Query(sql, b.Head, b.Row) })
}

// sendTable sends all rows of a table that the filter of the URL keeps, in its order.
func (c *call) sendTable(snap *snapshot.Snapshot, format string) error {
	return c.sendResult(snap, format, func(v *sqlite.View, b *bounded) error {
		return browse.Each(v, c.query.Get("table"), c.browseOptions(), b.Head, b.Row)
	})
}

// sendResult sends the rows that a function reads in a format, once it has all of them.
func (c *call) sendResult(snap *snapshot.Snapshot, format string, read func(*sqlite.View, *bounded) error) error {
	out := &bytes.Buffer{}
	b := &bounded{out: out, w: bufio.NewWriter(out), limit: c.v.o.Limits}
	kind := "application/json"
	switch format {
	case "", "json":
		b.Rows = &answer.JSONRows{W: b.w}
	case "csv":
		b.Rows, kind = &answer.CSVRows{W: b.w, LineEnd: "\r\n"}, "text/csv; charset=utf-8"
		setFileName(c.w.Header(), snap, "csv")
	default:
		return badRequest("format %q: it is json or csv", format)
	}
	err := c.withView(snap, longestValue, func(_ context.Context, v *sqlite.View) error { return read(v, b) })
	if errors.Is(err, errEnough) {
		return refuse(http.StatusRequestEntityTooLarge, "Ask for less: add LIMIT, or a filter, or name fewer columns.",
			"the result has more than %d rows, or %d bytes", b.limit.QueryRows, b.limit.QueryBytes)
	}
	if err := errors.Join(err, b.End(), b.w.Flush()); err != nil {
		return err
	}
	c.send(http.StatusOK, kind, out.Bytes())
	return nil
}

// How many rows of a comparison are told, and how many bytes of texts and blobs they have.
const (
	mostChanges      = 1000
	mostChangedBytes = 16 << 20
)

// comparison is what differs between two snapshots.
type comparison struct {
	answer.Diff
	Rows []diff.Row
	Cut  bool // more rows differ
}

// compare compares two snapshots. With a table, "" for none, it has the rows that differ.
func (c *call) compare(from, to *snapshot.Snapshot, table string) (d *comparison, err error) {
	err = c.withComparison(from, to, func(ctx context.Context, opened *diff.Comparison) error {
		d = &comparison{Diff: answer.Diff{
			Type: "summary", Before: answer.NewSnapshot(from), After: answer.NewSnapshot(to),
			Settings: answer.NewSettings(opened.Settings()), Schema: answer.NewSchema(opened.Schema()), Tables: []answer.TableChange{},
		}}
		if table != "" {
			return d.readRows(ctx, opened, table)
		}
		counts, err := opened.Count(ctx)
		for _, t := range counts {
			d.Tables = append(d.Tables, answer.NewTableChange(t))
		}
		return err
	})
	return d, err
}

// withComparison calls a function with two snapshots, bounded as queries are.
func (c *call) withComparison(from, to *snapshot.Snapshot, use func(context.Context, *diff.Comparison) error) error {
	for _, s := range []*snapshot.Snapshot{from, to} {
		if s.IsStream() {
			return session.RefuseStream(s)
		}
	}
	return c.bounded(func(ctx context.Context) error {
		opened, err := diff.Open(ctx, c.v.s.Repo, from, to)
		if err != nil {
			return err
		}
		return use(ctx, opened)
	})
}

// readRows reads the rows of a table that differ, up to a number.
func (d *comparison) readRows(ctx context.Context, opened *diff.Comparison, table string) error {
	name, err := opened.Name(table)
	if err != nil {
		return &refusal{status: http.StatusNotFound, err: err}
	}
	held := 0
	counts, err := opened.Rows(ctx, name, func(r diff.Row) error {
		if held += shown.Size(r); len(d.Rows) == mostChanges || held > mostChangedBytes && len(d.Rows) > 0 {
			return errEnough
		}
		d.Rows = append(d.Rows, r)
		return nil
	})
	if errors.Is(err, errEnough) {
		d.Cut = true
		return nil
	}
	d.Tables = append(d.Tables, answer.NewTableChange(counts))
	return err
}

// diffMessage is the answer for a comparison: with a table it has rows.
type diffMessage struct {
	answer.Diff
	Rows []answer.RowChange `json:"rows,omitempty"`
	Cut  bool               `json:"cut,omitempty"`
}

// diff answers with what differs between two snapshots.
func (c *call) diff() error {
	from, err := c.snapshot()
	if err != nil {
		return err
	}
	to, err := c.find(c.r.PathValue("other"))
	if err != nil {
		return err
	}
	d, err := c.compare(from, to, c.query.Get("table"))
	if err != nil {
		return err
	}
	m := diffMessage{Diff: d.Diff, Cut: d.Cut}
	for _, r := range d.Rows {
		m.Rows = append(m.Rows, answer.NewRowChange(r))
	}
	return c.sendJSON(m)
}
