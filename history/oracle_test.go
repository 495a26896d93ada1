package history_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firn/diff"
	"firn/history"
	"firn/rows"
)

// TestRowOracle compares the history of each row of random histories with what plain SQL says of restored files.
func TestRowOracle(t *testing.T) {
	t.Parallel()
	asked, looked := 0, 0
	eachHistory(t, count(1), 1, func(a *author) {
		o := newOracle(t, a.w)
		defer o.close()
		for _, key := range keys(t, a.r, o.databases) {
			k, l := o.compare(t, key)
			asked, looked = asked+k, looked+l
		}
	})
	t.Logf("SQLite has read %d of %d snapshots", asked, looked)
}

// oracle knows by plain SQL what each snapshot has.
type oracle struct {
	w         *world
	databases []*restored // the oldest first
}

func newOracle(t *testing.T, w *world) *oracle {
	t.Helper()
	o := &oracle{w: w}
	for place := range w.images {
		o.databases = append(o.databases, w.restored(t, place))
	}
	return o
}

func (o *oracle) close() {
	for _, db := range o.databases {
		db.Close()
	}
}

// compare compares the history of a row, and returns how many snapshots were read for it, and of how many.
func (o *oracle) compare(t *testing.T, key []string) (asked, looked int) {
	t.Helper()
	k := rows.Key{By: key[0], Words: key[1:]}
	got, err := history.OfRow(t.Context(), o.w.repo, o.w.snapshots, "T", k)
	want, fits := o.history(t, k)
	if !fits {
		if !errors.Is(err, rows.ErrKey) && !errors.Is(err, rows.ErrNoTable) {
			t.Errorf("key %q: got %v, want an error of the key or the table", key, err)
		}
		return 0, 0
	}
	if err != nil {
		t.Errorf("key %q: %v", key, err)
		return 0, 0
	}
	var found []string
	for _, e := range got.Events {
		found = append(found, o.describe(e))
	}
	if !slices.Equal(found, want) {
		t.Errorf("key %q:\n got %s\nwant %s", key, strings.Join(found, "\n     "), strings.Join(want, "\n     "))
	}
	return got.Asked, len(got.Snapshots)
}

// describe writes an event as the oracle does.
func (o *oracle) describe(e history.Event) string {
	s := fmt.Sprintf("%d %d %s", o.w.place(e.Snapshot), o.w.place(e.Before), e.Kind)
	var parts []string
	if e.Kind == diff.Changed {
		for _, c := range e.Changed {
			parts = append(parts, fmt.Sprintf("%s: %s -> %s", strings.ToLower(c.Name), literal(c.Before), literal(c.After)))
		}
		for _, f := range e.Came {
			parts = append(parts, "+"+strings.ToLower(f.Name)+": "+literal(f.Value))
		}
		for _, f := range e.Went {
			parts = append(parts, "-"+strings.ToLower(f.Name)+": "+literal(f.Value))
		}
	} else {
		for _, f := range e.Row {
			parts = append(parts, strings.ToLower(f.Name)+": "+literal(f.Value))
		}
	}
	if e.Kind == history.Unknown {
		parts = nil
	}
	slices.Sort(parts)
	return s + " {" + strings.Join(parts, ", ") + "}"
}

// literal writes a value as the oracle's SQL does.
func literal(v any) string {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("blob %X", v)
	case string:
		return fmt.Sprintf("text %X", v)
	case nil:
		return "null "
	case float64:
		return fmt.Sprintf("real %.17g", v)
	}
	return fmt.Sprintf("integer %d", v)
}

// told is what a snapshot has of a row: its columns, nil if it is not there.
type told struct {
	columns map[string]string
	unknown bool
}

// history returns the events of a row, by plain SQL. It reports false if the key fits no table.
func (o *oracle) history(t *testing.T, k rows.Key) (events []string, fits bool) {
	t.Helper()
	known := false
	var columns []string // of the key, as the newest table has them
	states := make([]told, len(o.databases))
	for i := len(states) - 1; i >= 0; i-- {
		exists, fit := o.fits(t, o.databases[i], k)
		if !exists {
			continue
		}
		if !known && (!fit || !o.unique(t, o.databases[i], k)) {
			return nil, false
		}
		own := primary(t, o.databases[i])
		if !known && k.By == "" {
			columns, k.Words = named(own, k.Words)
		}
		known = true
		states[i] = told{unknown: !fit}
		if fit {
			states[i] = o.state(t, o.databases[i], k, columns)
		}
	}
	for i, s := range states {
		older := told{}
		if i > 0 {
			older = states[i-1]
		}
		if e := event(older, s, i == 0); e != "" {
			events = append(events, fmt.Sprintf("%d %d %s", i, i-1, e))
		}
	}
	return events, known
}

// event describes what happened between two states, "" for nothing.
func event(older, newer told, first bool) string {
	switch {
	case newer.unknown && older.unknown && !first:
		return ""
	case newer.unknown:
		return "unknown {}"
	case newer.columns != nil && (first || older.unknown):
		return "present " + list(newer.columns)
	case newer.columns != nil && older.columns != nil:
		return changes(older.columns, newer.columns)
	case newer.columns != nil:
		return "added " + list(newer.columns)
	case older.columns != nil:
		return "removed " + list(older.columns)
	case older.unknown:
		return "absent {}"
	}
	return ""
}

func list(columns map[string]string) string {
	var parts []string
	for name, value := range columns {
		parts = append(parts, name+": "+value)
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

func changes(older, newer map[string]string) string {
	parts := []string{}
	for name, value := range newer {
		if before, ok := older[name]; !ok {
			parts = append(parts, "+"+name+": "+value)
		} else if before != value {
			parts = append(parts, name+": "+before+" -> "+value)
		}
	}
	for name, value := range older {
		if _, ok := newer[name]; !ok {
			parts = append(parts, "-"+name+": "+value)
		}
	}
	if maps.Equal(older, newer) {
		return ""
	}
	slices.Sort(parts)
	return "changed {" + strings.Join(parts, ", ") + "}"
}

// fits reports whether a database has the table t, and whether that has a key of so many columns.
func (o *oracle) fits(t *testing.T, db *restored, k rows.Key) (exists, fit bool) {
	t.Helper()
	if len(texts(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 't'")) == 0 {
		return false, false
	}
	if k.By == "" {
		columns := primary(t, db)
		return true, len(columns) == len(k.Words) && (columns[0] != "rowid" || isWhole(k.Words[0]))
	}
	found, err := db.Query("SELECT " + k.By + " FROM t LIMIT 0")
	if err != nil {
		return true, false
	}
	found.Close()
	column := texts(t, db, "SELECT name FROM pragma_table_xinfo('t') WHERE name = ?1 COLLATE NOCASE", k.By)
	return true, len(k.Words) == 1 && (len(column) > 0 || isWhole(k.Words[0]))
}

// isWhole reports whether a word is a whole number, as a rowid is.
func isWhole(word string) bool {
	_, err := strconv.ParseInt(strings.TrimPrefix(word, "rowid="), 10, 64)
	return err == nil
}

// unique reports whether no two rows of the table can have the key.
func (o *oracle) unique(t *testing.T, db *restored, k rows.Key) bool {
	t.Helper()
	if k.By == "" {
		return true
	}
	names := texts(t, db, `SELECT name FROM pragma_table_xinfo('t') WHERE name = ?1 COLLATE NOCASE`, k.By)
	if len(names) == 0 {
		return true // the rowid
	}
	found := texts(t, db, `SELECT l.name FROM pragma_index_list('t') l WHERE l."unique" AND NOT l.partial
		AND (SELECT group_concat(name) FROM pragma_index_info(l.name)) = ?1 COLLATE NOCASE`, k.By)
	alias := texts(t, db, `SELECT name FROM pragma_table_xinfo('t') WHERE name = ?1 COLLATE NOCASE AND pk AND type = 'INTEGER'
		AND (SELECT count(*) FROM pragma_table_info('t') WHERE pk) = 1`, k.By)
	return len(found)+len(alias) > 0
}

// named returns the columns of a key and the values of words such as COLUMN=VALUE.
func named(columns, words []string) (own, values []string) {
	values = make([]string, len(columns))
	for i, c := range columns {
		for _, w := range words {
			name, value, ok := strings.Cut(w, "=")
			if ok && strings.EqualFold(name, c) {
				values[i] = value
			}
		}
	}
	all := len(columns) == len(words)
	for _, w := range words {
		name, _, ok := strings.Cut(w, "=")
		all = all && ok && slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
	}
	if all && (len(words) < 2 || !strings.EqualFold(before(words[0]), before(words[1]))) {
		return columns, values
	}
	return columns, words
}

func before(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

// state returns what a database has of a row. The columns are those of the key in the newest table.
func (o *oracle) state(t *testing.T, db *restored, k rows.Key, newest []string) told {
	t.Helper()
	columns, words := []string{k.By}, k.Words
	if k.By == "" {
		columns = primary(t, db)
		sorted := func(names []string) string {
			return strings.ToLower(strings.Join(slices.Sorted(slices.Values(names)), ","))
		}
		if sorted(columns) == sorted(newest) {
			columns = newest
		}
	}
	var terms []string
	for i, c := range columns {
		typed := texts(t, db, "SELECT type FROM pragma_table_xinfo('t') WHERE name = ? COLLATE NOCASE AND type NOT IN ('', 'ANY', 'BLOB')", c)
		terms = append(terms, c+" = "+asSQL(words[i], len(typed) > 0 || strings.EqualFold(c, "rowid")))
	}
	names := texts(t, db, "SELECT name FROM pragma_table_xinfo('t') WHERE hidden <> 2")
	values := make([]string, len(names))
	for i, n := range names {
		values[i] = fmt.Sprintf(`typeof("%[1]s") || ' ' || CASE typeof("%[1]s") WHEN 'text' THEN hex(CAST("%[1]s" AS TEXT)) WHEN 'blob' THEN hex("%[1]s")
			WHEN 'real' THEN printf('%%!.17g', "%[1]s") WHEN 'null' THEN '' ELSE "%[1]s" END`, n)
	}
	found, err := db.Query("SELECT " + strings.Join(values, ", ") + " FROM t WHERE " + strings.Join(terms, " AND "))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var s told
	for found.Next() {
		if s.columns != nil {
			return told{unknown: true} // a second row
		}
		s.columns = make(map[string]string)
		cells, pointers := make([]string, len(names)), make([]any, len(names))
		for i := range cells {
			pointers[i] = &cells[i]
		}
		if err := found.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			if real, ok := strings.CutPrefix(cells[i], "real "); ok {
				number, _ := strconv.ParseFloat(real, 64) // which SQLite may write in another form
				cells[i] = literal(number)
			}
			s.columns[strings.ToLower(n)] = cells[i]
		}
	}
	return s
}

// asSQL writes the word for a key as SQL: for a column without a type, a number or a quoted text or blob as it is.
func asSQL(word string, typed bool) string {
	plain := regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?(e\+?[0-9]+)?|[xX]?'([^']|'')*')$`)
	if !typed && plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", "''") + "'"
}
