package cmd

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"firn/answer"
	"firn/diff"
)

// print prints the differences without single rows.
func (d *diffRun) print(m answer.Diff) error {
	if d.json {
		return d.printJSON(m)
	}
	var out bytes.Buffer
	printSchema(&out, m)
	if len(m.Tables) > 0 {
		if out.Len() > 0 {
			out.WriteByte('\n')
		}
		if err := d.table(&out, []string{"Table", "Added", "Removed", "Changed"}, d.tableRows(m.Tables)); err != nil {
			return err
		}
	}
	if out.Len() == 0 {
		d.note("No difference.")
	}
	_, err := out.WriteTo(d.stdout)
	return err
}

// tableRows returns the cells of a table for people. It warns of tables whose rows were not compared.
func (d *diffRun) tableRows(tables []answer.TableChange) (rows [][]string) {
	for _, t := range tables {
		name := diff.Identifier(t.Table)
		if t.ShadowOf != "" {
			name += " (of " + diff.Identifier(t.ShadowOf) + ")"
		}
		if t.RowCounts == nil {
			rows = append(rows, []string{name, "?", "?", "?"})
			d.warn("table %s: %s", diff.Identifier(t.Table), t.Note)
			continue
		}
		rows = append(rows, []string{name, fmt.Sprint(t.Added), fmt.Sprint(t.Removed), fmt.Sprint(t.Changed)})
	}
	return rows
}

// printSchema prints the definitions that differ, line by line, each behind a mark: - for removed, + for added, ~ for changed.
func printSchema(w io.Writer, m answer.Diff) {
	for _, s := range m.Settings {
		fmt.Fprintf(w, "~ %s %v -> %v\n", s.Name, s.Before, s.After)
	}
	for _, s := range m.Schema {
		printLines(w, "-", s.Before)
		printLines(w, "+", s.After)
	}
}

// printLines prints the lines of a definition behind a mark.
func printLines(w io.Writer, mark, sql string) {
	for line := range strings.Lines(sql) {
		fmt.Fprintln(w, mark, diff.Printable(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")))
	}
}

// printRow prints a row that differs.
func (d *diffRun) printRow(w io.Writer, r diff.Row) error {
	if d.json {
		return d.writeJSON(w, answer.NewRowChange(r))
	}
	most := d.mostShown()
	mark := map[string]string{diff.Added: "+", diff.Removed: "-", diff.Changed: "~"}[r.Kind]
	var b strings.Builder
	b.WriteString(mark)
	for _, f := range slices.Concat(r.Key, r.Values) {
		fmt.Fprintf(&b, " %s=%s", diff.Identifier(f.Name), diff.Literal(f.Value, most))
	}
	for i, f := range r.Changed {
		separator := ","
		if i == 0 {
			separator = ":"
		}
		fmt.Fprintf(&b, "%s %s %s -> %s", separator, diff.Identifier(f.Name), diff.Literal(f.Before, most), diff.Literal(f.After, most))
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// mostShown returns the number of characters after which a value of a row is cut off, 0 for no limit.
func (c *cli) mostShown() int {
	if isTerminal(c.stdout) {
		return widthMost
	}
	return 0
}
