package cmd

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"firn/report"
	"firn/restore"
)

// comparedTables is how many tables are compared one by one.
const comparedTables = 20

// comparison is a table of a snapshot and the target that it would replace, side by side.
type comparison struct {
	rows [][]string // label, of the snapshot, of the target
}

// add adds a row.
func (c *comparison) add(label, snapshot, target string) {
	c.rows = append(c.rows, []string{label, snapshot, target})
}

// describe shows what will be replaced by what, and what else will be done.
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
		fmt.Fprintln(r.stderr, step)
	}
	return nil
}

// compare puts both sides beside each other.
func (r *restoration) compare(plan *restore.Plan, now restore.Rows) *comparison {
	i, t := plan.Snapshot.Image(), &plan.Target
	var c comparison
	c.add("Time", r.When(plan.Snapshot.Time), "nothing is there")
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

// target fills in the cells of the target from the first row on.
func (c *comparison) target(cells ...string) {
	for i, cell := range cells {
		c.rows[i][2] = cell
	}
}

// ago tells how long ago something was.
func (r *restoration) ago(t time.Time) string { return ago(r.Now().Sub(t)) }

// addRows compares the numbers of rows of the tables in which they differ.
func (c *comparison) addRows(then, now restore.Rows) {
	differing := then.Differing(now)
	for _, name := range differing[:min(len(differing), comparedTables)] {
		c.add("  "+name, tableText(then, name), tableText(now, name))
	}
	if n := len(differing) - comparedTables; n > 0 {
		c.add(fmt.Sprintf("  and %d more", n), "", "")
	}
}

// steps names the steps of a restore that a person would not expect of every one.
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
