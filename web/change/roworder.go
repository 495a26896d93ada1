package change

import (
	"cmp"
	"errors"
	"net/url"
	"slices"

	"firn/diff"
	"firn/outcome"
	"firn/sqlite"
	"firn/sqlite/browse"
	"firn/sqlite/rowsync"
	"firn/web/shown"
)

// RowOrder says which rows of a snapshot are brought back, and how: the body of a request, or a form.
type RowOrder struct {
	Snapshot string   `json:"snapshot"`
	Table    string   `json:"table"`
	Where    string   `json:"where,omitempty"` // an expression over the columns of the table
	Keys     []string `json:"keys,omitempty"`  // of rows of the snapshot, as the call for rows gives them
	Mode     string   `json:"mode,omitempty"`
	Parents  bool     `json:"with_parents,omitempty"`
	Children bool     `json:"with_children,omitempty"`
	Triggers bool     `json:"triggers,omitempty"`

	Fingerprint string `json:"fingerprint,omitempty"` // of the plan; "" asks for the plan

	Whole bool `json:"-"` // the whole table is meant: a form that names no rows means none

	row, by  string // the row of a page, by what names it for good
	selected string // the rows that are so in a comparison with the other snapshot: "removed" or "changed"
	other    string
}

// formNames are the fields of an order that the form of a plan brings along unseen. The name of the table is in the form's address: a
// form would change its bytes.
func formNames() []string {
	return []string{"snapshot", "key", "row", "by", "whole", "selected", "other"}
}

// ReadRowForm reads the order of a form, with what the next form brings along of it.
func ReadRowForm(address, form url.Values) (o RowOrder, along url.Values) {
	o = RowOrder{
		Snapshot: form.Get("snapshot"), Table: address.Get("table"), Keys: form["key"], Mode: cmp.Or(form.Get("mode"), string(rowsync.Upsert)),
		Parents: form.Has("parents"), Children: form.Has("children"), Triggers: form.Has("triggers"), Fingerprint: form.Get("fingerprint"),
		Whole: form.Has("whole"), row: form.Get("row"), by: form.Get("by"), selected: form.Get("selected"), other: form.Get("other"),
	}
	along = url.Values{}
	for _, name := range formNames() {
		if form.Has(name) {
			along[name] = form[name]
		}
	}
	if o.selected != "" || o.Whole || o.row != "" { // the button counts, and not what was ticked
		along.Del("key")
		o.Keys = nil
	}
	return o, along
}

// RowSource reads what an order is about.
type RowSource interface {
	View(use func(*sqlite.View) error) error                        // calls a function with the database of the snapshot
	Differing(other, table string, each func(diff.Row) error) error // calls each with the rows that differ in another snapshot
}

// ErrNoRows is returned for a form that names no rows.
var ErrNoRows = errors.New("no rows were named")

// Request returns what a restore of the rows needs.
func (o RowOrder) Request(from RowSource) (r rowsync.Request, err error) {
	r = rowsync.Request{Table: o.Table, Where: o.Where, Parents: o.Parents, Children: o.Children, Triggers: o.Triggers}
	if r.Mode, err = rowsync.ParseMode(o.Mode); err != nil {
		return r, outcome.Usage("", "mode %w", err)
	}
	if o.selected != "" {
		if o.Keys, err = o.differing(from); err != nil {
			return r, err
		}
	}
	switch {
	case o.Where != "" && len(o.Keys) > 0:
		return r, outcome.Usage("", "rows go by where or by keys, not by both")
	case len(o.Keys) > 0 || o.row != "":
		r.Where, r.Args, err = o.condition(from)
	case o.Where == "" && !o.Whole:
		err = outcome.Usage("Tick some.", "%w", ErrNoRows)
	}
	return r, err
}

// condition returns a condition for the rows, with the values of its parameters.
func (o RowOrder) condition(from RowSource) (where string, args []any, err error) {
	err = from.View(func(v *sqlite.View) error {
		found, err := o.identify(v)
		if err == nil {
			where, args, err = found.Where()
		}
		return err
	})
	return where, args, err
}

// identify finds what names the rows for good.
func (o RowOrder) identify(v *sqlite.View) (*browse.Identity, error) {
	if o.row == "" {
		return browse.Identify(v, o.Table, o.Keys)
	}
	values, err := browse.DecodeKey(o.row)
	if err != nil {
		return nil, err
	}
	return browse.NewIdentity(v, o.Table, o.by, values)
}

// mostKeys is how many rows of a comparison can be brought back at once.
const mostKeys = 10_000

// differing returns the keys of the rows that were removed or changed until another snapshot.
func (o RowOrder) differing(from RowSource) (keys []string, err error) {
	if o.selected != diff.Removed && o.selected != diff.Changed {
		return nil, outcome.Usage("", "rows that are %q cannot be brought back", o.selected)
	}
	err = from.Differing(o.other, o.Table, func(r diff.Row) error {
		if r.Kind != o.selected {
			return nil
		}
		if len(keys) == mostKeys {
			return browse.ErrTooMany
		}
		keys = append(keys, shown.BackKey(r))
		return nil
	})
	switch {
	case errors.Is(err, browse.ErrTooMany):
		return nil, outcome.Failed(`"firn restore --table" brings back all rows of a table.`, "%w: more than %d were %s", err, mostKeys, o.selected)
	case err == nil && slices.Contains(keys, ""):
		return nil, outcome.Failed("Tick the other rows.", "%w: a row has a damaged key", browse.ErrNoKey)
	case err == nil && len(keys) == 0:
		err = outcome.Usage("", "%w: none were %s", ErrNoRows, o.selected)
	}
	return keys, err
}
