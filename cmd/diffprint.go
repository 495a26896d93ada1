package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"firn/btree"
)

// diffMessage is what differs between two snapshots in JSON.
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

// schemaMessage is an object of the schema that changed. Its SQL is empty on the side
// where it is not.
type schemaMessage struct {
	Change string `json:"change"` // "added", "removed", "changed"
	Type   string `json:"type"`
	Name   string `json:"name"`
	Table  string `json:"table"`
	Before string `json:"sql_before,omitempty"`
	After  string `json:"sql_after,omitempty"`
}

// tableMessage counts rows of a table.
type tableMessage struct {
	Table         string `json:"table"`
	ShadowOf      string `json:"shadow_of,omitempty"`
	*changeCounts        // nil if rows were not compared
	Note          string `json:"note,omitempty"` // why they were not
}

type changeCounts struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
}

func (c *changeCounts) count(kind string) {
	switch kind {
	case rowAdded:
		c.Added++
	case rowRemoved:
		c.Removed++
	default:
		c.Changed++
	}
}

func (m tableMessage) differs() bool {
	return m.changeCounts == nil || *m.changeCounts != changeCounts{}
}

// settings returns what changed of the databases' headers.
func (d *diff) settings() (changed []settingMessage) {
	a, b := d.files[before].Header, d.files[after].Header
	for _, s := range []settingMessage{
		{"page_size", a.PageSize, b.PageSize},
		{"encoding", a.Encoding.String(), b.Encoding.String()},
		{"user_version", a.UserVersion, b.UserVersion},
		{"application_id", a.ApplicationID, b.ApplicationID},
	} {
		if s.Before != s.After {
			changed = append(changed, s)
		}
	}
	return changed
}

// schemaChanges compares the objects that have a definition, by type and name. The
// others are indexes that come with a table.
func schemaChanges(schemas [2][]btree.Object) []schemaMessage {
	changes := []schemaMessage{}
	known := make(map[[2]string]btree.Object)
	for _, o := range schemas[before] {
		known[[2]string{o.Type, o.Name}] = o
	}
	for _, o := range schemas[after] {
		key := [2]string{o.Type, o.Name}
		old, ok := known[key]
		delete(known, key)
		if old.SQL == o.SQL {
			continue
		}
		change := schemaMessage{rowAdded, o.Type, o.Name, o.Table, old.SQL, o.SQL}
		if ok {
			change.Change = rowChanged
		}
		changes = append(changes, change)
	}
	for _, o := range known {
		if o.SQL != "" {
			changes = append(changes, schemaMessage{rowRemoved, o.Type, o.Name, o.Table, o.SQL, ""})
		}
	}
	slices.SortStableFunc(changes, func(a, b schemaMessage) int {
		return slices.Compare([]string{a.Table, a.Type, a.Name}, []string{b.Table, b.Type, b.Name})
	})
	return changes
}

// print prints what differs, but for rows.
func (d *diff) print(m diffMessage) error {
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

// tableRows returns the counts for people.
func (d *diff) tableRows(tables []tableMessage) (rows [][]string) {
	for _, t := range tables {
		name := identifier(t.Table)
		if t.ShadowOf != "" {
			name += " (of " + identifier(t.ShadowOf) + ")"
		}
		if t.changeCounts == nil {
			rows = append(rows, []string{name, "?", "?", "?"})
			d.warn("table %s: %s", identifier(t.Table), t.Note)
			continue
		}
		rows = append(rows, []string{name, fmt.Sprint(t.Added), fmt.Sprint(t.Removed), fmt.Sprint(t.Changed)})
	}
	return rows
}

// printSchema prints definitions line by line, with what happened to them in front.
func printSchema(w io.Writer, m diffMessage) {
	for _, s := range m.Settings {
		fmt.Fprintf(w, "~ %s %v -> %v\n", s.Name, s.Before, s.After)
	}
	for _, s := range m.Schema {
		printLines(w, "-", s.Before)
		printLines(w, "+", s.After)
	}
}

func printLines(w io.Writer, mark, sql string) {
	for line := range strings.Lines(sql) {
		fmt.Fprintln(w, mark, printable(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")))
	}
}

// printRow prints a row that differs.
func (d *diff) printRow(w io.Writer, r rowChange) error {
	if d.json {
		return d.writeJSON(w, newRowMessage(r))
	}
	most := 0 // characters of a value
	if isTerminal(d.stdout) {
		most = 60
	}
	mark := map[string]string{rowAdded: "+", rowRemoved: "-", rowChanged: "~"}[r.kind]
	var b strings.Builder
	b.WriteString(mark)
	for _, f := range slices.Concat(r.key, r.values) {
		fmt.Fprintf(&b, " %s=%s", identifier(f.name), literal(f.value, most))
	}
	for i, f := range r.changed {
		separator := ","
		if i == 0 {
			separator = ":"
		}
		fmt.Fprintf(&b, "%s %s %s -> %s", separator, identifier(f.name), literal(f.before, most), literal(f.after, most))
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
	Before fields `json:"before,omitempty"` // of one that changed: the columns that did
	After  fields `json:"after,omitempty"`
}

func newRowMessage(r rowChange) rowMessage {
	m := rowMessage{Type: "row", Table: r.table, Change: r.kind, Key: r.key, Values: r.values}
	for _, f := range r.changed {
		m.Before = append(m.Before, field{f.name, f.before})
		m.After = append(m.After, field{f.name, f.after})
	}
	return m
}

// fields are an object in JSON, in the order of the columns. Values are SQL literals:
// JSON has no blobs, and its readers round large numbers.
type fields []field

// MarshalJSON implements [json.Marshaler].
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		for part, text := range []string{field.name, literal(field.value, 0)} {
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
