package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"firn/answer"
	"firn/diff"
	"firn/internal/layout"
	"firn/outcome"
	"firn/report"
	"firn/rowrestore"
	"firn/snapshot"
	"firn/sqlite/rowsync"
)

// rowsHelp is the topic of the help about single rows.
const rowsHelp = `Brings single rows of a snapshot back into the live database:

  firn restore ENV --at -1h --table users --where "id = 7" --with-children

firn shows which rows it would change, and asks. It saves the database as a
snapshot, and writes the rows in one transaction, if they are still as shown.
Applications may have the database open. "firn undo" brings back what was there.
--where is an expression over the table's columns. It runs on the snapshot only.
--mode insert, the default, brings missing rows back. update gives rows their
old values, upsert does both. replace does both, and deletes rows that the
snapshot does not have: with --where, those for which it is true now.
--with-children brings rows back that were deleted with their parents. With
replace, it deletes rows that refer to deleted ones. --with-parents takes rows
along to which rows refer. Without them, firn names such rows. No foreign key is
ever broken. Triggers do not run without --triggers.
--emit sql prints the statements, and changes nothing. --limit 30s bounds the
time for reading the snapshot.

Rows are found by primary key, else by a unique index, else by rowid. A row that
has a unique value of another row now is shown, and left out. Columns are
matched by name: new ones get their default. Full-text indexes are built anew
from their tables: INSERT INTO words(words) VALUES ('rebuild').
`

// rowFlags are the flags of restore that are about single rows.
type rowFlags struct {
	rowsync.Request
	mode  string
	emit  string
	limit time.Duration
}

// add adds the flags.
func (o *rowFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.Table, "table", "", "restore only rows of this `table`")
	f.StringVar(&o.Where, "where", "", "only the rows for which this SQL `expression` is true")
	f.StringVar(&o.mode, "mode", "", "`what` to do: insert missing rows, update, upsert, replace")
	f.BoolVar(&o.Parents, "with-parents", false, "take missing rows along to which the rows refer")
	f.BoolVar(&o.Children, "with-children", false, "take rows along that refer to the rows")
	f.StringVar(&o.emit, "emit", "", "print the statements in this `format`, sql, and run none")
	f.BoolVar(&o.Triggers, "triggers", false, "let the triggers of the database run")
	f.DurationVar(&o.limit, "limit", 0, "`time` for reading the rows of the snapshot")
}

// check refuses flags that cannot work, and takes the mode.
func (o *rowFlags) check(f *pflag.FlagSet, json bool) (err error) {
	if o.Table == "" {
		for _, name := range []string{"table", "where", "mode", "with-parents", "with-children", "emit", "triggers", "limit"} {
			if f.Changed(name) {
				return outcome.Usage(`"firn help rows" explains it.`, "restore: --%s is about rows: name the table with --table", name)
			}
		}
		return nil
	}
	if f.Changed("where") && strings.TrimSpace(o.Where) == "" {
		return outcome.Usage("Leave it out to restore all rows of the table.", "restore: --where is empty")
	}
	if o.emit != "" && o.emit != "sql" {
		return outcome.Usage("", "restore: --emit %s: only sql can be printed", o.emit)
	}
	if o.emit != "" && json {
		return outcome.Usage("", "restore: --emit and --json cannot be used together")
	}
	if o.limit < 0 {
		return outcome.Usage("Write 30s, or 2m.", "restore: --limit %v: not a time", o.limit)
	}
	if o.Mode, err = rowsync.ParseMode(o.mode); err != nil {
		return outcome.Usage("", "restore: --mode %w", err)
	}
	return nil
}

// runRows plans the restore of rows, shows the plan, asks a person and restores.
func (r *restoration) runRows(ctx context.Context) error {
	plan, err := r.rows.Plan(ctx)
	if err != nil {
		return err
	}
	if !r.json && !(r.flags.quiet && (r.options.yes || r.options.rows.emit != "")) {
		if err := r.describeRows(plan); err != nil {
			return err
		}
	}
	if r.options.rows.emit != "" {
		return plan.WriteScript(r.data())
	}
	if r.options.dryRun || plan.Rows.Empty() {
		return r.reportRows(plan, nil)
	}
	if err := r.confirm(ctx, r.options.yes, r.command()); err != nil {
		return err
	}
	result, err := r.rows.Run(ctx)
	if result == nil {
		return err
	}
	if failed := r.reportRows(plan, result.Saved); failed != nil {
		return failed
	}
	return err
}

// shownRows is how many rows of a table are shown one by one.
const shownRows = 20

// describeRows prints what would happen to the rows.
func (r *restoration) describeRows(plan *rowrestore.Plan) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Restore  rows of %s in %s\nfrom     snapshot %s of %s, %s, %s\n\n", diff.Identifier(plan.Rows.Tables[0].Name), plan.Target.Path,
		plan.Snapshot.ID.Short(), plan.Snapshot.Environment, r.WhenTaken(plan.Snapshot), r.ago(plan.Snapshot.Time))
	head := []string{"Table", "Insert", "Change", "Delete", "Leave", "Conflict", "Same"}
	var rows [][]string
	for i, t := range plan.Rows.Tables {
		if i > 0 && len(t.Rows)+t.Same == 0 {
			continue // it is named below
		}
		rows = append(rows, []string{
			diff.Identifier(t.Name), fmt.Sprint(t.Inserted), fmt.Sprint(t.Changed), fmt.Sprint(t.Deleted), fmt.Sprint(t.Left + t.Missing), fmt.Sprint(t.Conflicted), fmt.Sprint(t.Same),
		})
	}
	if err := r.table(&out, head, rows); err != nil {
		return err
	}
	fmt.Fprintln(&out)
	for _, t := range plan.Rows.Tables {
		printRows(&out, t)
	}
	for _, s := range r.rowSteps(plan) {
		fmt.Fprintln(&out, layout.Sentence(s, terminalWidth(r.stderr)))
	}
	_, err := out.WriteTo(r.stderr)
	return err
}

// rowMark is the character before a row that says what becomes of it.
func rowMark(k rowsync.Kind) string {
	return map[rowsync.Kind]string{
		rowsync.Inserted: "+", rowsync.Changed: "~", rowsync.Deleted: "-", rowsync.Left: "=", rowsync.Missing: "?", rowsync.Conflicted: "!",
	}[k]
}

// printRows prints the first rows of a table, a line for each.
func printRows(w io.Writer, t *rowsync.TablePlan) {
	const most = 60 // characters of a value
	for _, row := range t.Rows[:min(len(t.Rows), shownRows)] {
		fmt.Fprintf(w, "%s %s", rowMark(row.Kind), diff.Identifier(t.Name))
		for _, f := range row.Key {
			fmt.Fprintf(w, " %s=%s", diff.Identifier(f.Name), diff.Literal(f.Value, most))
		}
		separator := ": "
		if row.Kind == rowsync.Left {
			separator = " is left: "
		}
		for _, c := range row.Changes {
			fmt.Fprintf(w, "%s%s %s -> %s", separator, diff.Identifier(c.Name), diff.Literal(c.Now, most), diff.Literal(c.Then, most))
			separator = ", "
		}
		switch row.Kind {
		case rowsync.Missing:
			fmt.Fprint(w, " is missing now, and is left out")
		case rowsync.Conflicted:
			fmt.Fprint(w, " is left out: "+diff.Printable(row.Why))
		}
		fmt.Fprintln(w)
	}
	if n := len(t.Rows) - shownRows; n > 0 {
		fmt.Fprintf(w, "and %s more of %s\n", report.Plural(n, "row"), diff.Identifier(t.Name))
	}
}

// rowSteps returns sentences about what a person could miss.
func (r *restoration) rowSteps(plan *rowrestore.Plan) (steps []string) {
	printed := r.options.rows.emit != ""
	for _, remark := range plan.Remarks(printed) {
		if remark.Children {
			remark.Text += ": --with-children brings them back"
		}
		steps = append(steps, remark.Text+".")
	}
	if plan.Rows.Empty() || printed {
		return steps
	}
	if plan.Stop != "" {
		steps = append(steps, "Meanwhile the application is stopped: "+plan.Stop)
	}
	return append(steps, "What is there now is saved first, as a snapshot.")
}

// reportRows prints what was done, or what would be done.
func (r *restoration) reportRows(plan *rowrestore.Plan, saved *snapshot.Snapshot) error {
	if r.json {
		return r.reportRowsJSON(plan, saved)
	}
	switch {
	case plan.Rows.Empty():
		r.Done("Nothing to restore in %s: the rows are there, or are left as they are", plan.Target.Path)
	case saved == nil:
		r.Done("Dry run: nothing was changed")
	default:
		var parts []string
		for _, t := range plan.Rows.Tables {
			if t.Inserted+t.Changed+t.Deleted > 0 {
				parts = append(parts, fmt.Sprintf("%s: %d inserted, %d changed, %d deleted", diff.Identifier(t.Name), t.Inserted, t.Changed, t.Deleted))
			}
		}
		r.Done("Restored rows of %s from snapshot %s of %s, %s. %s", plan.Target.Path, plan.Snapshot.ID.Short(), plan.Snapshot.Environment,
			r.WhenTaken(plan.Snapshot), strings.Join(parts, "; "))
		r.Done("To undo: %s", r.undo(&plan.Target, saved))
	}
	return nil
}

// reportRowsJSON prints each row of a dry run, and the summary.
func (r *restoration) reportRowsJSON(plan *rowrestore.Plan, saved *snapshot.Snapshot) error {
	m := answer.NewRows(plan)
	m.DryRun, m.Duration = r.options.dryRun, r.Now().Sub(r.started).Seconds()
	if saved != nil {
		m.PreRestoreID = saved.ID.String()
	}
	if r.options.dryRun {
		for _, row := range answer.NewPlannedRows(plan) {
			if err := r.printJSON(row); err != nil {
				return err
			}
		}
	}
	return r.printJSON(m)
}
