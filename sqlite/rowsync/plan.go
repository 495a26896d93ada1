package rowsync

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
)

// Plan says what a request would change.
type Plan struct {
	Mode     Mode
	Encoding string       // of the texts of the live database: "UTF-8", or one of UTF-16
	Tables   []*TablePlan // the one that was asked for first
	// Statements change the rows, in their order.
	Statements []Statement
	digest     [sha256.Size]byte
}

// TablePlan says what would happen to the rows of a table.
type TablePlan struct {
	Name                                                        string
	Inserted, Changed, Deleted, Same, Left, Missing, Conflicted int // rows, by [Kind]
	Behind                                                      int // rows that referred to rows that come back, are missing, and are not taken along
	Rows                                                        []Row
	OnlyNow, OnlyThen                                           []string // columns
	Retyped                                                     []string // columns whose declared type is another one now
	Triggers                                                    []string
	ByRowid                                                     bool // it has no key
}

// Row is a row that does not stay as it is, or is not what it was.
type Row struct {
	Kind    Kind
	Key     []Field
	Changes []Change // of a row that is changed, or left
	Values  []Field  // of a row that is inserted or deleted: all that it has
	Why     string   // of a conflict
}

// Field is the value of a column.
type Field struct {
	Name  string
	Value any // nil, int64, float64, string or []byte
}

// Change is a column of a row that differs.
type Change struct {
	Name      string
	Now, Then any
}

// Digest returns a hash over all that the plan depends on: the rows as they are and as they were.
func (p *Plan) Digest() []byte { return p.digest[:] }

// Empty reports whether the plan changes nothing.
func (p *Plan) Empty() bool { return len(p.Statements) == 0 }

// Plan compares the rows with those of the live database, in one read transaction, and says what would change. If it reports
// more, rows of the image are missing: [Sync.Fetch] reads them, and then Plan is called again.
func (s *Sync) Plan(ctx context.Context, path string) (p *Plan, more bool, err error) {
	err = s.look(ctx, path, func(db *connection) error {
		a, err := s.analyse(ctx, db)
		if err != nil || len(s.queue) > 0 {
			more = err == nil
			return err
		}
		p, err = a.plan()
		return err
	})
	if err != nil {
		return nil, false, explain(err)
	}
	return p, more, nil
}

// plan puts the findings together.
func (a *analysis) plan() (*Plan, error) {
	p := &Plan{Mode: a.request.Mode, Encoding: a.schema.encoding, digest: a.digest()}
	tables := map[*table]*TablePlan{}
	of := func(t *table) *TablePlan {
		if tables[t] == nil {
			tables[t] = &TablePlan{Name: t.name, OnlyNow: t.onlyNow(), Triggers: t.triggers, ByRowid: t.byRowid(), Same: a.same[t]}
			if t.then != nil {
				tables[t].OnlyThen, tables[t].Retyped = t.onlyThen(), t.retyped()
			}
			p.Tables = append(p.Tables, tables[t])
		}
		return tables[t]
	}
	of(a.table)
	for _, w := range a.wanted {
		of(w.table)
	}
	for _, c := range a.actions {
		of(c.table).count(c)
	}
	for _, w := range a.Sync.behind {
		if a.left[w.table] > 0 {
			of(w.table).Behind = a.left[w.table]
		}
	}
	var err error
	p.Statements, err = a.order()
	return p, err
}

// count adds an action.
func (p *TablePlan) count(c *action) {
	switch c.kind {
	case Inserted:
		p.Inserted++
	case Changed:
		p.Changed++
	case Deleted:
		p.Deleted++
	case Left:
		p.Left++
	case Missing:
		p.Missing++
	case Conflicted:
		p.Conflicted++
	}
	p.Rows = append(p.Rows, c.describe())
}

// describe returns the action for people.
func (a *action) describe() Row {
	shown := a.want
	if shown == nil {
		shown = a.have
	}
	r := Row{Kind: a.kind, Key: a.table.keyFields(shown), Why: a.why}
	if a.kind == Changed || a.kind == Left {
		for _, c := range a.have.differing(a.want) {
			r.Changes = append(r.Changes, Change{a.table.columns[c].name, a.have.values[c], a.want.values[c]})
		}
	}
	if a.kind == Inserted || a.kind == Deleted {
		for i, v := range shown.values {
			if _, missing := v.(absent); !missing {
				r.Values = append(r.Values, Field{a.table.columns[i].name, v})
			}
		}
	}
	return r
}

// keyFields returns the values by which a row is found.
func (t *table) keyFields(r *row) (fields []Field) {
	for _, c := range t.key.columns {
		fields = append(fields, Field{t.columns[c].name, r.values[c]})
	}
	if _, whole := r.pick(t.key.columns); !whole || t.byRowid() {
		fields = append(fields, Field{"rowid", r.rowid})
	}
	return fields
}

// label returns the key of a row for people. Its values pass the filter of the caller.
func (t *table) label(r *row) string {
	text := ""
	for _, f := range t.keyFields(r) {
		if b, ok := f.Value.([]byte); ok {
			f.Value = fmt.Sprintf("x'%x'", b)
		}
		text += fmt.Sprintf(" %s=%v", f.Name, f.Value)
	}
	return text[1:]
}

// digest returns a hash over all that the plan depends on: the rows before and after, and the schema.
func (a *analysis) digest() (sum [sha256.Size]byte) {
	h := sha256.New()
	put := func(text string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	for _, c := range a.actions {
		put(string(c.kind))
		put(c.key())
		for _, r := range []*row{c.have, c.want} {
			if r == nil {
				put("")
				continue
			}
			put(canonical(append([]any{r.rowid}, r.values...), nil))
		}
	}
	total := 0
	for n := range maps.Values(a.same) {
		total += n
	}
	put(fmt.Sprint(total))
	return [sha256.Size]byte(h.Sum(nil))
}
