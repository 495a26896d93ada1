package shown_test

import (
	"net/url"
	"strings"
	"testing"

	"firn/btree"
	"firn/diff"
	"firn/rows"
	"firn/sqlite/browse"
	"firn/web/shown"
)

func TestCells(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value any
		want  shown.Cell
	}{
		"Null": {nil, shown.Cell{Text: "NULL", Class: "null"}}, "Number": {int64(-7), shown.Cell{Text: "-7", Class: "number"}},
		"Damaged": {btree.Malformed("x"), shown.Cell{Text: "damaged", Class: "null"}}, "Escape": {"a\x1b[31mb", shown.Cell{Text: "ab", Class: "text"}},
		"Short": {strings.Repeat("é", 240), shown.Cell{Text: strings.Repeat("é", 240), Class: "text"}},
		"Long":  {strings.Repeat("é", 241), shown.Cell{Text: strings.Repeat("é", 240) + "…", Class: "text", Whole: "cut"}},
		"Blob":  {make([]byte, 16), shown.Cell{Text: strings.Repeat("00", 16), Class: "blob"}},
		"Large": {make([]byte, 2048), shown.Cell{Text: strings.Repeat("00", 16) + "… 2.0 KiB", Class: "blob", Whole: "cut"}},
	} {
		got := shown.NewCell(tt.value)
		if name == "Escape" { // the filter decides what stays
			if strings.Contains(got.Text, "\x1b") {
				t.Errorf("%s: got %q", name, got.Text)
			}
			continue
		}
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestKeysOfChanges(t *testing.T) {
	t.Parallel()
	key := []diff.Field{{Name: "id", Value: int64(7)}}
	for name, tt := range map[string]struct {
		row  diff.Row
		want string
	}{
		"Removed": {diff.Row{Kind: diff.Removed, Key: key}, browse.EncodeKey([]any{int64(7)})}, "Changed": {diff.Row{Kind: diff.Changed, Key: key}, browse.EncodeKey([]any{int64(7)})},
		"Added": {diff.Row{Kind: diff.Added, Key: key}, ""}, "Damaged": {diff.Row{Kind: diff.Removed, Key: []diff.Field{{Name: "id", Value: btree.Malformed("x")}}}, ""},
	} {
		if got := shown.BackKey(tt.row); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestFormsKeepBytes(t *testing.T) {
	t.Parallel()
	query := url.Values{"table": {"\xff\r\n\"<x>"}, "sort": {"a&b"}}
	table := shown.NewTable(nil, "t", &browse.Page{Columns: []string{"\xfe\r"}, Shown: []string{"\xfe\r"}}, browse.Options{Sort: "a&b"}, query)
	got, err := shown.ReadForm(url.Values{"form": {table.Form}, "in": {table.Heads[0].Form}, "op": {"="}, "value": {"1"}, "search": {""}})
	want := url.Values{"table": query["table"], "sort": query["sort"], "column": {"\xfe\r"}, "op": {"="}, "value": {"1"}}
	if err != nil || got.Encode() != want.Encode() {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []url.Values{{"form": {"!"}}, {"in": {"!"}}, {"form": {"JXo"}}} {
		if _, err := shown.ReadForm(bad); err == nil {
			t.Errorf("%v: got no error", bad)
		}
	}
}

func TestValuesGoByTheirNames(t *testing.T) {
	t.Parallel()
	then := rows.Row{{Name: "a", Value: int64(1)}, {Name: "gone", Value: "x"}}
	now := rows.Row{{Name: "new", Value: nil}, {Name: "a", Value: int64(2)}}
	fields, more := shown.Values(then, now)
	var got []string
	for _, f := range fields {
		text := f.Name + ":"
		for _, side := range []*shown.Cell{f.Before, f.After} {
			if side == nil {
				text += " -"
			} else {
				text += " " + side.Text
			}
		}
		got = append(got, text)
	}
	if want := "new: - NULL, a: 1 2, gone: x -"; strings.Join(got, ", ") != want || more != 0 {
		t.Errorf("got %v and %d more, want %s", got, more, want)
	}
}
