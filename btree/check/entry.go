package check

// entry checks an entry of an index, or a row WITHOUT ROWID.
func (w *worker) entry(t *tree, p *page, cl *cell) error {
	x := t.index
	whole := func([]byte) int64 { return cl.size }
	if t.rows != nil {
		whole = w.needs(t.rows, cl.size)
	}
	payload, err := w.load(t, p, cl, whole, true)
	if payload == nil || err != nil || x == nil || !x.known {
		return err
	}
	if text := w.parseEntry(t, payload, cl.size); text != "" {
		w.found(t, Record, p.number, "%s", text)
		return nil
	}
	if t.rows != nil {
		w.values(t, p, cl)
	} else {
		w.key = w.key[:0]
		for _, f := range w.record.fields {
			w.key = f.appendTo(w.key)
		}
		h := w.hasher.hash(w.key)
		w.tallies[x.number].entries.add(h)
		w.trace.add(x, h, -1, w.lastRowID(), p.number)
	}
	w.current.set(payload, w.record.fields)
	w.order(t, p.number)
	return nil
}

// lastRowID returns the rowid at the end of the parsed entry.
func (w *worker) lastRowID() int64 {
	if last := w.record.fields[len(w.record.fields)-1]; typeOf(last.serial) == typeInteger {
		return last.integer()
	}
	return 0
}

// parseEntry parses an entry, and returns what is wrong with it.
func (w *worker) parseEntry(t *tree, payload []byte, size int64) string {
	n := t.index.fields()
	if t.rows != nil {
		n = t.rows.parse
	}
	if err := w.record.parse(payload, size, n); err != nil {
		return err.Error()
	}
	fields := w.record.fields
	switch {
	case t.rows != nil && len(fields) < t.index.keys:
		return "a row without its whole key"
	case t.rows == nil && (len(fields) != n || !w.record.exact):
		return "an entry with another number of values than its index"
	case t.rows == nil && !t.table.withoutRowid && typeOf(fields[n-1].serial) != typeInteger:
		return "rowid not at the end of an entry"
	}
	return ""
}

// entry is a key of an index that outlives its page.
type entry struct {
	valid  bool
	bytes  []byte
	fields []field
}

// set copies the values of an entry.
func (e *entry) set(payload []byte, fields []field) {
	e.valid, e.bytes, e.fields = true, e.bytes[:0], e.fields[:0]
	for _, f := range fields {
		e.bytes = append(e.bytes, f.body...)
	}
	at := 0
	for _, f := range fields {
		e.fields = append(e.fields, field{f.serial, e.bytes[at : at+len(f.body)]})
		at += len(f.body)
	}
}

func (e *entry) copy(other *entry) {
	if other.valid {
		e.set(nil, other.fields)
	}
	e.valid = other.valid
}

// order compares the current entry with the one before it, and puts it in its place.
func (w *worker) order(t *tree, page uint32) {
	x := t.index
	if w.previous.valid && x.orderly {
		switch n, differs := w.compare(x, w.previous.fields, w.current.fields, t.rows != nil); {
		case n >= 0:
			w.found(t, Order, page, "keys out of order")
		case !differs && x.unique && t.rows == nil:
			w.find(Finding{Kind: Unique, Table: x.table.name, Index: x.name, Page: page, Text: "non-unique entry"})
		}
	}
	w.previous, w.current = w.current, w.previous
}

// compare compares two entries. Differs is true if their named columns are not the same key: because one of them is
// NULL, or because they differ.
func (w *worker) compare(x *index, a, b []field, row bool) (n int, differs bool) {
	last := len(x.columns)
	if row {
		last = x.keys
	}
	for i, c := range x.columns[:last] {
		n, ok := compare(a[i], b[i], c.order, w.Encoding)
		if !ok {
			w.leave(Left{Table: x.table.name, Index: x.name, Why: "texts that are no UTF-16"})
			return -1, true
		}
		if i < x.keys && a[i].null() && !row {
			differs = true
		}
		if n != 0 {
			if c.desc {
				n = -n
			}
			return n, differs || i < x.keys
		}
	}
	if row || x.table.withoutRowid {
		return 0, false
	}
	m, n2 := a[last].integer(), b[last].integer()
	switch {
	case m < n2:
		return -1, differs
	case m > n2:
		return 1, true
	}
	return 0, false
}
