package btree

import "fmt"

// merger goes through the rows of two tables side by side.
type merger struct {
	pair    *Pair
	key     int
	options RowOptions
	spots   [2]func() (spot, error, bool) // nil for no table
	left    [2]budget
	yield   func(Change) bool
}

// next returns the next row of a side, nil at the end.
func (m *merger) next(side int) (*Row, error) {
	if m.spots[side] == nil {
		return nil, nil
	}
	at, err, ok := m.spots[side]()
	if !ok || err != nil {
		return nil, err
	}
	row := &Row{file: m.pair.files[side], at: at}
	p, err := row.file.tree(at.page)
	if err != nil {
		return nil, err
	}
	if p.isTable() != (m.key == 0) {
		return nil, p.malformed("its kind does not fit the definition of the table")
	}
	c, err := p.cell(at.cell)
	if err != nil {
		return nil, err
	}
	row.RowID = c.rowID
	return row, m.left[side].spend(c)
}

// byRowID compares tables that are sorted by rowid.
func (m *merger) byRowID() error {
	var rows [2]*Row
	take := [2]bool{true, true}
	for {
		for side := range rows {
			if take[side] {
				var err error
				if rows[side], err = m.next(side); err != nil {
					return err
				}
			}
		}
		a, b := rows[before], rows[after]
		if a == nil && b == nil {
			return nil
		}
		take[before] = b == nil || a != nil && a.RowID <= b.RowID
		take[after] = a == nil || b != nil && b.RowID <= a.RowID
		if !take[before] {
			a = nil
		}
		if !take[after] {
			b = nil
		}
		if more, err := m.pass(a, b); !more || err != nil {
			return err
		}
	}
}

// pass yields a change if there is one or if equal rows are asked for, and reports whether to go on.
func (m *merger) pass(a, b *Row) (more bool, err error) {
	if a != nil && b != nil && !m.options.Equal {
		same, err := m.pair.equal(a, b)
		if same || err != nil {
			return err == nil, err
		}
	}
	return m.yield(Change{a, b}), nil
}

// byKey compares tables that are sorted in the same order. The order need not be known (collations
// may be the application's own). A row that only one side has delivered so far waits, until the
// other side delivers a row with the same key. Then every row that waits before it has no
// counterpart. No more rows wait than the longest run without counterparts.
//
// Where the two databases have different text encodings, even SQLite's own order differs: it
// compares bytes. Then rows wait to the end.
func (m *merger) byKey() error {
	var waiting [2]queue
	var done [2]bool
	for !done[before] || !done[after] {
		for side := range waiting {
			more, err := m.step(side, &waiting, &done[side])
			if !more || err != nil {
				return err
			}
		}
		for side := range waiting {
			if done[side] && waiting[side].empty() && !m.flush(1-side, waiting[1-side].take(-1)) {
				return nil
			}
		}
	}
	for side := range waiting {
		if !m.flush(side, waiting[side].take(-1)) {
			return nil
		}
	}
	return nil
}

// step reads a row of a side. If its counterpart waits, both are passed on.
func (m *merger) step(side int, waiting *[2]queue, done *bool) (more bool, err error) {
	if *done {
		return true, nil
	}
	row, err := m.next(side)
	if *done = row == nil; *done || err != nil {
		return err == nil, err
	}
	key, err := m.keyOf(row)
	if err != nil {
		return false, err
	}
	waiting[side].push(key, row.at)
	if _, ok := waiting[1-side].find(key); !ok {
		return true, nil
	}
	return m.meet(waiting, key)
}

// meet passes on the rows that wait up to a key that both sides have. If the sides are not sorted
// alike, it passes on only the two rows of the key.
func (m *merger) meet(waiting *[2]queue, key string) (more bool, err error) {
	var rows [2]*Row
	for side := range waiting {
		last, _ := waiting[side].find(key)
		if !m.sortedAlike() {
			rows[side] = &Row{file: m.pair.files[side], at: waiting[side].pick(last)}
			continue
		}
		waits := waiting[side].take(last)
		if !m.flush(side, waits[:last]) {
			return false, nil
		}
		rows[side] = &Row{file: m.pair.files[side], at: waits[last].at}
	}
	return m.pass(rows[before], rows[after])
}

func (m *merger) sortedAlike() bool {
	return m.pair.files[before].Encoding == m.pair.files[after].Encoding
}

// flush yields rows without a counterpart.
func (m *merger) flush(side int, waits []waiting) (more bool) {
	for _, w := range waits {
		if w.picked {
			continue
		}
		var rows [2]*Row
		rows[side] = &Row{file: m.pair.files[side], at: w.at}
		if !m.yield(Change{rows[before], rows[after]}) {
			return false
		}
	}
	return true
}

// queue holds the rows that wait, each key once.
type queue struct {
	rows  []waiting
	gone  int            // how many rows have left
	index map[string]int // from key to the place in rows, counted with the rows that have left
}

type waiting struct {
	key    string
	at     spot
	picked bool // the row has left, but not all rows before it
}

func (q *queue) empty() bool { return len(q.rows) == 0 }

func (q *queue) push(key string, at spot) {
	if q.index == nil {
		q.index = make(map[string]int)
	}
	q.index[key] = q.gone + len(q.rows)
	q.rows = append(q.rows, waiting{key: key, at: at})
}

func (q *queue) find(key string) (i int, ok bool) {
	i, ok = q.index[key]
	return i - q.gone, ok
}

// pick takes one row out of the queue.
func (q *queue) pick(i int) spot {
	w := &q.rows[i]
	delete(q.index, w.key)
	w.key, w.picked = "", true
	return w.at
}

// take takes the rows up to the given one, or all for -1, out of the queue.
func (q *queue) take(last int) []waiting {
	n := last + 1
	if last < 0 {
		n = len(q.rows)
	}
	taken := q.rows[:n]
	for _, w := range taken {
		if !w.picked {
			delete(q.index, w.key)
		}
	}
	q.rows, q.gone = q.rows[n:], q.gone+n
	return taken
}

// keyOf returns the key columns of a row as bytes that are equal for equal keys.
func (m *merger) keyOf(row *Row) (string, error) {
	values, err := row.Values()
	if err != nil {
		return "", err
	}
	if len(values) < m.key {
		return "", fmt.Errorf("%w: page %d: a row has %d columns, and its key has %d", ErrFormat, row.at.page, len(values), m.key)
	}
	var b []byte
	for i, v := range values[:m.key] {
		collation := Binary
		if i < len(m.options.Collations) {
			collation = m.options.Collations[i]
		}
		b = collation.appendKey(b, v)
	}
	return string(b), nil
}
