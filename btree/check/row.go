package check

// row checks a row of a table with rowids.
func (w *worker) row(t *tree, p *page, cl *cell) error {
	r := t.rows
	payload, err := w.load(t, p, cl, w.needs(r, cl.size), true)
	if payload == nil || err != nil || !t.table.known {
		return err
	}
	if err := w.record.parse(payload, cl.size, r.parse); err != nil {
		w.wrongRow(t, p, cl, Record, "", err.Error())
		return nil
	}
	w.values(t, p, cl)
	if set := t.rows.rowIDs; set > 0 {
		w.collected[set].add(cl.rowID)
	}
	return nil
}

// needs returns a function that tells how much of a payload the checks of a row need.
func (w *worker) needs(r *rules, size int64) func([]byte) int64 {
	return func(payload []byte) (end int64) {
		if !r.table.known || w.record.parse(payload, size, r.parse) != nil {
			return 0
		}
		for place, f := range w.record.fields {
			if place < len(r.needed) && r.needed[place] || f.serial == 7 {
				end = w.record.ends[place]
			}
		}
		for _, c := range r.columns {
			if place := c.column.place; c.numeric && place < len(w.record.fields) && typeOf(w.record.fields[place].serial) == typeText {
				end = max(end, w.record.ends[place])
			}
		}
		return end
	}
}

func (w *worker) wrongRow(t *tree, p *page, cl *cell, kind Kind, index, text string) {
	w.find(Finding{Kind: kind, Table: t.table.name, Index: index, RowID: cl.rowID, HasRow: t.isTable, Page: p.number, Text: text})
}

// values checks the values of the row in w.record, and adds what its indexes must have.
func (w *worker) values(t *tree, p *page, cl *cell) {
	for i := range t.rows.columns {
		if text := w.value(t.rows, &t.rows.columns[i]); text != "" {
			w.wrongRow(t, p, cl, Value, "", text)
		}
	}
	w.refers(t.rows, cl.rowID)
	for i := range t.rows.indexes {
		x := &t.rows.indexes[i]
		w.key = w.key[:0]
		for _, place := range x.places {
			f, ok := w.field(t.rows, place, cl.rowID)
			if !ok {
				w.leave(older(x.index))
			}
			w.key = f.appendTo(w.key)
		}
		if t.isTable {
			w.key = integerField(cl.rowID, w.eight[:]).appendTo(w.key)
		}
		h := w.hasher.hash(w.key)
		w.tallies[x.index.number].rows.add(h)
		w.trace.add(x.index, h, 1, cl.rowID, p.number)
	}
}

// older is what is left of an index if some rows are older than one of its columns.
func older(x *index) Left {
	return Left{Table: x.table.name, Index: x.name, Why: "a row is older than a column"}
}

// field returns the value at a place of the record, or the rowid for place -1. It returns false if only SQLite knows it.
func (w *worker) field(r *rules, place int, rowID int64) (field, bool) {
	switch {
	case place < 0:
		return integerField(rowID, w.eight[:]), true
	case place < len(w.record.fields):
		return w.record.fields[place], true
	}
	v := r.initials[place]
	return field{v.serial, v.body}, !v.sql
}

// value returns what is wrong with the value of a column.
func (w *worker) value(r *rules, c *rule) string {
	f, ok := w.field(r, c.column.place, 0)
	if !ok {
		w.leave(Left{Table: r.table.name, Why: "a row is older than column " + c.column.name})
		return ""
	}
	kind := typeOf(f.serial)
	switch {
	case c.column.notNull && (kind == typeNull || f.serial == 7 && f.null()):
		return "NULL value in " + r.table.name + "." + c.column.name
	case kind&c.allowed != 0:
		return ""
	case c.numeric && !looksNumeric(f.body, r.width, r.low):
		return ""
	}
	return "value of a wrong type in " + r.table.name + "." + c.column.name
}
