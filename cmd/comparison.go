package cmd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firn/report"
	"firn/sqlite"
)

const (
	// countingTime is for how long a restore counts the rows of its target before
	// it asks: who has to decide at three in the morning does not want to wait.
	countingTime = 3 * time.Second
	// comparedTables is how many tables are compared one by one.
	comparedTables = 20
)

// comparison is what will be replaced by what, side by side.
type comparison struct {
	rows [][]string // label, of the snapshot, of the target
}

func (c *comparison) add(label, snapshot, target string) {
	c.rows = append(c.rows, []string{label, snapshot, target})
}

// describe shows what will be replaced by what, and what else will be done.
func (r *restoration) describe(ctx context.Context) error {
	if why := r.source.Suspect; len(why) > 0 {
		r.warn("snapshot %s is suspect: %s", r.source.ID.Short(), strings.Join(why, "; "))
	}
	if r.json || r.flags.quiet && r.options.yes {
		return nil
	}
	fmt.Fprintf(r.stderr, "Restore  %s\nfrom     snapshot %s of %s\n\n", r.path, r.source.ID.Short(), r.source.Environment)
	c, err := r.compare(ctx)
	if err != nil {
		return err
	}
	head := []string{"", "Snapshot", "Now"}
	if err := r.table(r.stderr, head, c.rows); err != nil {
		return err
	}
	fmt.Fprintln(r.stderr)
	for _, step := range r.plan() {
		fmt.Fprintln(r.stderr, step)
	}
	return nil
}

// compare looks at both sides.
func (r *restoration) compare(ctx context.Context) (*comparison, error) {
	i, t := r.source.Image(), r.target
	var c comparison
	c.add("Time", r.When(r.source.Time), "nothing is there")
	c.add("Age", r.ago(r.source.Time), "")
	c.add("Size", report.Size(i.Size), "")
	c.add("Schema", fmt.Sprint(i.UserVersion), "")
	schema, bytes := "not a sound database", t.size
	if t.broken == nil {
		schema, bytes = fmt.Sprint(t.info.UserVersion), t.info.Size
	}
	if t.exists {
		c.target(r.When(t.modified), "changed "+r.ago(t.modified), report.Size(bytes), schema)
	}
	then := rowsOf(i)
	now, err := r.countTarget(ctx)
	if err != nil {
		return nil, err
	}
	counted := now.total()
	if t.exists && t.broken == nil {
		counted = cmp.Or(counted, "not counted")
	}
	c.add("Rows", cmp.Or(then.total(), rowsText(i), "unknown"), counted)
	c.addRows(then, now)
	return &c, nil
}

// target fills in the cells of the target from the first row on.
func (c *comparison) target(cells ...string) {
	for i, cell := range cells {
		c.rows[i][2] = cell
	}
}

// ago tells how long ago something was.
func (r *restoration) ago(t time.Time) string { return ago(r.Now().Sub(t)) }

// countTarget counts the rows of the target, as far as there is time. What cannot
// be counted is unknown, no reason not to restore.
func (r *restoration) countTarget(ctx context.Context) (rowCounts, error) {
	if !r.target.exists || r.target.broken != nil {
		return nil, nil
	}
	limit := countingTime
	if r.target.info.JournalMode != "wal" { // there, who reads keeps others from committing
		limit = countingTime / 10
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var counted []sqlite.TableRows
	err := r.site.At(func(path string) (err error) { counted, err = sqlite.CountRows(limited, path); return err })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		r.detail("rows were not counted: %v", err)
		return nil, nil
	}
	counts := make(rowCounts)
	for _, t := range counted {
		counts[t.Name] = t.Rows
	}
	return counts, nil
}

// addRows compares the numbers of rows: in all, and of the tables in which they
// differ.
func (c *comparison) addRows(then, now rowCounts) {
	if then == nil || now == nil { // nothing to compare
		return
	}
	names := make(map[string]bool)
	for _, counts := range []rowCounts{then, now} {
		for name := range counts {
			names[name] = true
		}
	}
	var differing []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if then.text(name) != now.text(name) {
			differing = append(differing, name)
		}
	}
	for _, name := range differing[:min(len(differing), comparedTables)] {
		c.add("  "+name, then.text(name), now.text(name))
	}
	if n := len(differing) - comparedTables; n > 0 {
		c.add(fmt.Sprintf("  and %d more", n), "", "")
	}
}

// plan names the steps that are not a matter of course.
func (r *restoration) plan() []string {
	var steps []string
	if r.scrub != nil {
		steps = append(steps, fmt.Sprintf("%s is run on the copy before it goes live.", r.scrub.path))
	}
	if r.stops() {
		steps = append(steps, "Meanwhile the application is stopped: "+r.env.Stop)
	}
	switch {
	case r.target.broken != nil:
		steps = append(steps, "What is there now is kept as a file beside it.")
	case r.target.exists:
		steps = append(steps, "What is there now is saved first, as a snapshot.")
	}
	return steps
}
