package restore

import (
	"cmp"
	"fmt"
	"strconv"

	"firn/report"
	"firn/session"
	"firn/snapshot"
)

// comparedTables is the number of tables that are compared one by one.
const comparedTables = 20

// Comparison shows a snapshot beside the target that it would replace: each row has a label, a cell of the snapshot and a cell of the
// target, for people.
type Comparison [][]string

// Compare compares the snapshot of a plan with its target, which has the given numbers of rows: see [Operation.CountRows].
func (p *Plan) Compare(c *session.Caller, now Rows) Comparison {
	i, t := p.Snapshot.Image(), &p.Target
	var all Comparison
	all.add("Time", c.WhenTaken(p.Snapshot), "nothing is there")
	all.add("Age", report.Ago(c.Now().Sub(p.Snapshot.Time)), "")
	all.add("Size", report.Size(i.Size), "")
	all.add("Schema", fmt.Sprint(i.UserVersion), "")
	schema := "not a sound database"
	if t.Damage == nil {
		schema = fmt.Sprint(t.Schema)
	}
	if t.Exists {
		all.target(c.When(t.Modified), "changed "+report.Ago(c.Now().Sub(t.Modified)), report.Size(t.Size), schema)
	}
	then := RowsOf(i)
	counted := now.text()
	if p.SavesSnapshot() {
		counted = cmp.Or(counted, "not counted")
	}
	all.add("Rows", cmp.Or(then.text(), RowsText(i), "unknown"), counted)
	all.addRows(then, now)
	return all
}

// add adds a row.
func (c *Comparison) add(label, snapshot, target string) {
	*c = append(*c, []string{label, snapshot, target})
}

// target fills the cells of the target, from the first row on.
func (c Comparison) target(cells ...string) {
	for i, cell := range cells {
		c[i][2] = cell
	}
}

// addRows adds a row for each table of the database whose number of rows differs.
func (c *Comparison) addRows(then, now Rows) {
	differing := then.Differing(now)
	for _, name := range differing[:min(len(differing), comparedTables)] {
		c.add("  "+name, then.tableText(name), now.tableText(name))
	}
	if n := len(differing) - comparedTables; n > 0 {
		c.add(fmt.Sprintf("  and %d more", n), "", "")
	}
}

// RowsText returns the number of a snapshot's rows as text, "" if it is not known.
func RowsText(i *snapshot.Image) string {
	total, known := i.Rows()
	if !known {
		return ""
	}
	return strconv.FormatInt(total, 10)
}

// text returns the number of all rows as text, "" if nothing is known of the database.
func (r Rows) text() string {
	if r == nil {
		return ""
	}
	total, known := r.Total()
	if !known {
		return "not all counted"
	}
	return fmt.Sprintf("%d in %s", total, report.Plural(len(r), "table"))
}

// tableText returns the number of a table's rows as text, "" if nothing is known of the database.
func (r Rows) tableText(table string) string {
	n, ok := r[table]
	switch {
	case r == nil:
		return ""
	case !ok:
		return "no such table"
	case n < 0:
		return "not counted"
	}
	return strconv.FormatInt(n, 10)
}

// Steps returns sentences about steps that not every restore has.
func (p *Plan) Steps() (steps []string) {
	if p.Scrub != "" {
		steps = append(steps, fmt.Sprintf("%s is run on the copy before it goes live.", p.Scrub))
	}
	if p.Stop != "" {
		steps = append(steps, "Meanwhile the application is stopped: "+p.Stop)
	}
	switch {
	case p.KeepsFile():
		steps = append(steps, "What is there now is kept as a file beside it.")
	case p.SavesSnapshot():
		steps = append(steps, "What is there now is saved first, as a snapshot.")
	}
	return steps
}
