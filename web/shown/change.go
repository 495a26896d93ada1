package shown

import (
	"net/url"
	"strings"

	"firn/diff"
	"firn/snapshot"
	"firn/sqlite/browse"
)

// Change is a row that differs between two snapshots.
type Change struct {
	Kind, Key string
	Fields    []Field
	More      int    // columns that are left out
	Link      string // to the history of the row; "" for a row that nothing names
	Back      string // the key of the row in the older snapshot, which can bring it back; "" for none
}

// NewChange fills a [Change].
func NewChange(r diff.Row, from, to *snapshot.Snapshot) Change {
	c := Change{Kind: r.Kind}
	names := make([]string, len(r.Key))
	for i, f := range r.Key {
		names[i] = f.Name + "=" + NewCell(f.Value).Text
	}
	c.Key = strings.Join(names, ", ")
	for _, f := range r.Values {
		is := r.Kind == diff.Added
		c.add(field(f.Name, [2]any{f.Value, f.Value}, [2]bool{!is, is}))
	}
	for _, f := range r.Changed {
		c.add(field(f.Name, [2]any{f.Before, f.After}, [2]bool{true, true}))
	}
	c.link(r, from, to)
	return c
}

func (c *Change) add(f Field) {
	if len(c.Fields) == mostFields {
		c.More++
		return
	}
	c.Fields = append(c.Fields, f)
}

// link says where the row is found.
func (c *Change) link(r diff.Row, from, to *snapshot.Snapshot) {
	of, key := to, keyOf(r)
	if r.Kind == diff.Removed {
		of = from
	}
	if key != "" {
		c.Link = RowAt(of, r.Table, key)
	}
	c.Back = BackKey(r)
}

// BackKey returns the key of a row in the older snapshot, which can bring it back; "" for none.
func BackKey(r diff.Row) string {
	if r.Kind == diff.Added {
		return ""
	}
	return keyOf(r)
}

// keyOf returns the key of a row; "" for a damaged one.
func keyOf(r diff.Row) string {
	values := make([]any, len(r.Key))
	for i, f := range r.Key {
		values[i] = f.Value
	}
	return browse.EncodeKey(values)
}

// PastLink returns the link to a page of an environment's past.
func PastLink(of *snapshot.Snapshot, page string, query url.Values) string {
	query.Set("name", of.Database)
	return "/databases/" + url.PathEscape(of.Environment) + "/" + page + "?" + query.Encode()
}

// RowAt returns the link to a row of a snapshot, by the key of a [browse.Page]. It leads to the history of the row.
func RowAt(s *snapshot.Snapshot, table, key string) string {
	return "/snapshots/" + s.ID.String() + "/row?" + url.Values{"table": {table}, "key": {key}}.Encode()
}

// Size returns the bytes of the texts and blobs of a row.
func Size(r diff.Row) (n int) {
	for _, f := range r.Values {
		n += size(f.Value)
	}
	for _, f := range r.Changed {
		n += size(f.Before) + size(f.After)
	}
	return n
}

func size(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 0
}
