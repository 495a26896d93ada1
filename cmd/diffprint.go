package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"firn/diff"
)

// diffMessage has the differences between two snapshots in JSON.
type diffMessage struct {
	Type     string           `json:"message_type"` // "summary"
	Before   snapshotMessage  `json:"before"`
	After    snapshotMessage  `json:"after"`
	Settings []settingMessage `json:"settings,omitempty"`
	Schema   []schemaMessage  `json:"schema"`
	Tables   []tableMessage   `json:"tables"`
}

// settingMessage is a property of the whole database that changed.
type settingMessage struct {
	Name   string `json:"name"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// schemaMessage is an object of the schema that changed. Its SQL is empty on a side without the object.
type schemaMessage struct {
	Kind   string `json:"change"` // "added", "removed", "changed"
	Type   string `json:"type"`
	Name   string `json:"name"`
	Table  string `json:"table"`
	Before string `json:"sql_before,omitempty"`
	After  string `json:"sql_after,omitempty"`
}

// tableMessage has the numbers of rows of a table that differ.
type tableMessage struct {
	Table         string `json:"table"`
	ShadowOf      string `json:"shadow_of,omitempty"`
	*changeCounts        // nil if rows were not compared
	Note          string `json:"note,omitempty"` // why rows were not compared
}

// changeCounts are the numbers of rows that differ, by kind.
type changeCounts struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
}

// newSettings returns settings for JSON.
func newSettings(changed []diff.Setting) (messages []settingMessage) {
	for _, s := range changed {
		messages = append(messages, settingMessage(s))
	}
	return messages
}

// newSchema returns objects of the schema for JSON.
func newSchema(changes []diff.SchemaChange) []schemaMessage {
	messages := make([]schemaMessage, 0, len(changes))
	for _, c := range changes {
		messages = append(messages, schemaMessage(c))
	}
	return messages
}

// newTableMessage fills a [tableMessage].
func newTableMessage(t diff.Table) tableMessage {
	m := tableMessage{Table: t.Table, ShadowOf: t.ShadowOf, Note: t.Note}
	if t.Note == "" {
		m.changeCounts = &changeCounts{t.Added, t.Removed, t.Changed}
	}
	return m
}

// print prints the differences without single rows.
func (d *diffRun) print(m diffMessage) error {
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
func (d *diffRun) tableRows(tables []tableMessage) (rows [][]string) {
	for _, t := range tables {
		name := diff.Identifier(t.Table)
		if t.ShadowOf != "" {
			name += " (of " + diff.Identifier(t.ShadowOf) + ")"
		}
		if t.changeCounts == nil {
			rows = append(rows, []string{name, "?", "?", "?"})
			d.warn("table %s: %s", diff.Identifier(t.Table), t.Note)
			continue
		}
		rows = append(rows, []string{name, fmt.Sprint(t.Added), fmt.Sprint(t.Removed), fmt.Sprint(t.Changed)})
	}
	return rows
}

// printSchema prints the definitions that differ, line by line, each behind a mark: - for removed, + for added, ~ for changed.
func printSchema(w io.Writer, m diffMessage) {
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
		return d.writeJSON(w, newRowMessage(r))
	}
	most := 0 // the number of characters after which a value is cut off; 0 for no limit
	if isTerminal(d.stdout) {
		most = 60
	}
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

// rowMessage is a row that differs in JSON.
type rowMessage struct {
	Type   string `json:"message_type"` // "row"
	Table  string `json:"table"`
	Change string `json:"change"` // "added", "removed", "changed"
	Key    fields `json:"key"`
	Values fields `json:"values,omitempty"` // of a row that was added or removed
	Before fields `json:"before,omitempty"` // of a row that changed: the columns that differ
	After  fields `json:"after,omitempty"`
}

// newRowMessage fills a [rowMessage].
func newRowMessage(r diff.Row) rowMessage {
	m := rowMessage{Type: "row", Table: r.Table, Change: r.Kind, Key: r.Key, Values: r.Values}
	for _, f := range r.Changed {
		m.Before = append(m.Before, diff.Field{Name: f.Name, Value: f.Before})
		m.After = append(m.After, diff.Field{Name: f.Name, Value: f.After})
	}
	return m
}

// fields are an object in JSON, in the order of the columns. The values are SQL literals, since JSON has no blobs and its
// readers round large numbers.
type fields []diff.Field

// MarshalJSON implements [json.Marshaler].
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		for part, text := range []string{field.Name, diff.Literal(field.Value, 0)} {
			quoted, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			if part == 1 {
				b.WriteByte(':')
			}
			b.Write(quoted)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
