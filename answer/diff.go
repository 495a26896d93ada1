package answer

import (
	"bytes"
	"encoding/json"

	"firn/diff"
)

// Diff has the differences between two snapshots in JSON.
type Diff struct {
	Type     string         `json:"message_type"` // "summary"
	Before   Snapshot       `json:"before"`
	After    Snapshot       `json:"after"`
	Settings []Setting      `json:"settings,omitempty"`
	Schema   []SchemaChange `json:"schema"`
	Tables   []TableChange  `json:"tables"`
}

// Setting is a property of the whole database that changed.
type Setting struct {
	Name   string `json:"name"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// SchemaChange is an object of the schema that changed. Its SQL is empty on a side without the object.
type SchemaChange struct {
	Kind   string `json:"change"` // "added", "removed", "changed"
	Type   string `json:"type"`
	Name   string `json:"name"`
	Table  string `json:"table"`
	Before string `json:"sql_before,omitempty"`
	After  string `json:"sql_after,omitempty"`
}

// TableChange has the numbers of rows of a table that differ.
type TableChange struct {
	Table      string `json:"table"`
	ShadowOf   string `json:"shadow_of,omitempty"`
	*RowCounts        // nil if rows were not compared
	Note       string `json:"note,omitempty"` // why rows were not compared
}

// RowCounts are the numbers of rows that differ, by kind.
type RowCounts struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
}

// NewSettings returns settings for JSON.
func NewSettings(changed []diff.Setting) (messages []Setting) {
	for _, s := range changed {
		messages = append(messages, Setting(s))
	}
	return messages
}

// NewSchema returns objects of the schema for JSON.
func NewSchema(changes []diff.SchemaChange) []SchemaChange {
	messages := make([]SchemaChange, 0, len(changes))
	for _, c := range changes {
		messages = append(messages, SchemaChange(c))
	}
	return messages
}

// NewTableChange fills a [TableChange].
func NewTableChange(t diff.Table) TableChange {
	m := TableChange{Table: t.Table, ShadowOf: t.ShadowOf, Note: t.Note}
	if t.Note == "" {
		m.RowCounts = &RowCounts{t.Added, t.Removed, t.Changed}
	}
	return m
}

// RowChange is a row that differs in JSON.
type RowChange struct {
	Type   string `json:"message_type"` // "row"
	Table  string `json:"table"`
	Change string `json:"change"` // "added", "removed", "changed"
	Key    Fields `json:"key"`
	Values Fields `json:"values,omitempty"` // of a row that was added or removed
	Before Fields `json:"before,omitempty"` // of a row that changed: the columns that differ
	After  Fields `json:"after,omitempty"`
}

// NewRowChange fills a [RowChange].
func NewRowChange(r diff.Row) RowChange {
	m := RowChange{Type: "row", Table: r.Table, Change: r.Kind, Key: r.Key, Values: r.Values}
	for _, f := range r.Changed {
		m.Before = append(m.Before, diff.Field{Name: f.Name, Value: f.Before})
		m.After = append(m.After, diff.Field{Name: f.Name, Value: f.After})
	}
	return m
}

// Fields are an object in JSON, in the order of the columns. The values are SQL literals, since JSON has no blobs and its
// readers round large numbers.
type Fields []diff.Field

// MarshalJSON implements [json.Marshaler].
func (f Fields) MarshalJSON() ([]byte, error) {
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
