package web

import (
	"net/url"

	"firn/answer"
	"firn/snapshot"
	"firn/web/shown"
)

// diffView is the page of two snapshots.
type diffView struct {
	*comparison
	From, To *snapshot.Snapshot
	Table    string
	Lines    []shown.Change
	Counts   []countLine
	Same     bool
	Backs    bool   // a row can be brought back
	Plan     string // the address for plans of rows
}

// countLine is a table whose rows differ.
type countLine struct {
	answer.TableChange
	Link string
}

// diffPage shows what differs between two snapshots.
func (c *call) diffPage() error {
	from, err := c.find(c.query.Get("from"))
	if err != nil {
		return err
	}
	to, err := c.find(c.query.Get("to"))
	if err != nil {
		return err
	}
	d := diffView{From: from, To: to, Table: c.query.Get("table")}
	if d.comparison, err = c.compare(from, to, d.Table); err != nil {
		return err
	}
	for _, t := range d.Tables {
		link := "/diff?" + url.Values{"from": {from.ID.String()}, "to": {to.ID.String()}, "table": {t.Table}}.Encode()
		d.Counts = append(d.Counts, countLine{t, link})
	}
	for _, r := range d.comparison.Rows {
		line := shown.NewChange(r, from, to)
		d.Lines, d.Backs = append(d.Lines, line), d.Backs || line.Back != ""
	}
	d.Plan = shown.RowsLink(from.Environment, "plan", d.Table)
	d.Same = len(d.Settings)+len(d.Schema)+len(d.Tables)+len(d.Lines) == 0
	return c.show("diff", "What differs", d, crumbs(to)...)
}
