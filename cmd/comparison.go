package cmd

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"firn/internal/layout"
	"firn/report"
	"firn/restore"
)

// comparedTables is the number of tables that are compared one by one.
const comparedTables = 20

// comparison is a table that shows a snapshot beside the target that it would replace.
type comparison struct {
	rows [][]string // each has a label, a cell of the snapshot and a cell of the target
}

// add adds a row.
func (c *comparison) add(label, snapshot, target string) {
	c.rows = append(c.rows, []string{label, snapshot, target})
}

// describe prints the target beside the snapshot that will replace it, and the other steps of the restore.
func (r *restoration) describe(ctx context.Context, plan *restore.Plan) error {
	if r.json || r.flags.quiet && r.options.yes {
		return nil
	}
	fmt.Fprintf(r.stderr, "Restore  %s\nfrom     snapshot %s of %s\n\n", plan.Target.Path, plan.Snapshot.ID.Short(), plan.Snapshot.Environment)
	now, err := r.operation.CountRows(ctx)
	if err != nil {
		return err
	}
	head := []string{"", "Snapshot", "Now"}
	if err := r.table(r.stderr, head, r.compare(plan, now).rows); err != nil {
		return err
	}
	fmt.Fprintln(r.stderr)
	for _, step := range steps(plan) {
		fmt.Fprintln(r.stderr, layout.Sentence(step, terminalWidth(r.stderr)))
	}
	return nil
}

// compare fills the table from the plan and the numbers of rows of the target.
func (r *restoration) compare(plan *restore.Plan, now restore.Rows) *comparison {
	i, t := plan.Snapshot.Image(), &plan.Target
	var c comparison
	c.add("Time", r.WhenTaken(plan.Snapshot), "nothing is there")
	c.add("Age", r.ago(plan.Snapshot.Time), "")
	c.add("Size", report.Size(i.Size), "")
	c.add("Schema", fmt.Sprint(i.UserVersion), "")
	schema := "not a sound database"
	if t.Damage == nil {
		schema = fmt.Sprint(t.Schema)
	}
	if t.Exists {
		c.target(r.When(t.Modified), "changed "+r.ago(t.Modified), report.Size(t.Size), schema)
	}
	then := restore.RowsOf(i)
	counted := totalText(now)
	if plan.SavesSnapshot() {
		counted = cmp.Or(counted, "not counted")
	}
	c.add("Rows", cmp.Or(totalText(then), rowsText(i), "unknown"), counted)
	c.addRows(then, now)
	return &c
}

// target fills the cells of the target, from the first row on.
func (c *comparison) target(cells ...string) {
	for i, cell := range cells {
		c.rows[i][2] = cell
	}
}

// ago formats the time since an event for people.
func (r *restoration) ago(t time.Time) string { return report.Ago(r.Now().Sub(t)) }

// addRows adds a row for each table of the database whose number of rows differs.
func (c *comparison) addRows(then, now restore.Rows) {
	differing := then.Differing(now)
	for _, name := range differing[:min(len(differing), comparedTables)] {
		c.add("  "+name, tableText(then, name), tableText(now, name))
	}
	if n := len(differing) - comparedTables; n > 0 {
		c.add(fmt.Sprintf("  and %d more", n), "", "")
	}
}

// steps returns sentences about steps that not every restore has.
func steps(plan *restore.Plan) []string {
	var steps []string
	if plan.Scrub != "" {
		steps = append(steps, fmt.Sprintf("%s is run on the copy before it goes live.", plan.Scrub))
	}
	if plan.Stop != "" {
		steps = append(steps, "Meanwhile the application is stopped: "+plan.Stop)
	}
	switch {
	case plan.KeepsFile():
		steps = append(steps, "What is there now is kept as a file beside it.")
	case plan.SavesSnapshot():
		steps = append(steps, "What is there now is saved first, as a snapshot.")
	}
	return steps
}
