package rows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firn/diff"
	"firn/sqlite"
	"firn/sqlite/inspect"
)

// Key says which row of a table is meant, in a person's words.
//
// A word is converted as SQLite converts a text that is stored in the column: 4711 is a number in a column of numbers, and a text
// in a column of texts. A column without a type converts nothing. There a word is read as in SQL: 4711 is a number, x'00ff' a blob,
// and any other word a text, which may stand in quotes: '4711'.
type Key struct {
	By    string   // a column, or rowid; "" for the primary key, or for the rowid of a table that has none
	Words []string // the values of the key's columns in their order, or each as COLUMN=VALUE

	// Values are those of the key's columns as a row holds them, in the place of Words. A program that has read a row asks for the
	// very same: no word says which of '1', 1 and x'31' a column without a type holds.
	Values []any

	// columns are those of the primary key that the words are values of, nil if no table has told: see [Table.Bind].
	columns []string
}

// ErrKey is returned for a key that does not fit the table.
var ErrKey = errors.New("the key does not fit")

// String returns the key for people.
func (k Key) String() string {
	words := strings.Join(k.Words, " ")
	if k.Values != nil {
		literals := make([]string, len(k.Values))
		for i, v := range k.Values {
			literals[i] = diff.Literal(v, 0)
		}
		words = strings.Join(literals, " ")
	}
	if k.By == "" {
		return words
	}
	return k.By + "=" + words
}

// ByRowID reports whether the key of a table is a rowid that is no column: SQLite may give it to another row later.
func (t *Table) ByRowID(k Key) bool {
	if k.By != "" {
		return !t.Alias && t.isRowID(k.By)
	}
	return len(t.Primary) == 0
}

// isRowID reports whether a word means the rowid.
func (t *Table) isRowID(name string) bool {
	return t.column(name) == nil && place(rowIDNames(), name) >= 0
}

// CheckUnique returns an error that matches [ErrKey] if several rows may have the key.
func (t *Table) CheckUnique(k Key) error {
	if k.By == "" || place(t.Unique, k.By) >= 0 || t.isRowID(k.By) {
		return nil
	}
	if t.column(k.By) == nil {
		return fmt.Errorf("%w: table %s has no column %s", ErrKey, diff.Identifier(t.Name), diff.Identifier(k.By))
	}
	return fmt.Errorf("%w: column %s of table %s is not unique", ErrKey, diff.Identifier(k.By), diff.Identifier(t.Name))
}

// Keys says for people by which keys rows of the table can be found.
func (t *Table) Keys() string {
	var ways []string
	if len(t.Primary) > 0 {
		ways = append(ways, "The primary key is "+identifiers(t.Primary)+".")
	}
	if len(t.Unique) > 0 {
		ways = append(ways, "Unique columns are "+identifiers(t.Unique)+".")
	}
	if len(ways) == 0 {
		return "It has no key but its rowid."
	}
	return strings.Join(ways, " ")
}

// lookup returns the query for the row with a key, and the values of its parameters. It asks for two rows, to notice a second.
func (t *Table) lookup(k Key) (query string, args []any, err error) {
	columns, values, err := t.resolve(k)
	if err != nil {
		return "", nil, err
	}
	var names, terms []string
	for _, c := range t.shown() {
		names = append(names, sqlite.Identifier(c.Name))
	}
	for i, name := range columns {
		term, value, err := t.term(name, values[i])
		if err != nil {
			return "", nil, err
		}
		terms, args = append(terms, fmt.Sprintf("%s = ?%d", term, i+1)), append(args, value)
	}
	return fmt.Sprintf("SELECT %s FROM main.%s WHERE %s LIMIT 2",
		strings.Join(names, ", "), sqlite.Identifier(t.Name), strings.Join(terms, " AND ")), args, nil
}

// Bind ties a key to the columns of a table's primary key, for other states of that table. There, the words are values of the columns
// with these names; if one of them is not of the key there, it may have been renamed, and the words are values of the key's columns
// in their order. Bind fails with [ErrKey].
func (t *Table) Bind(k Key) (Key, error) {
	columns, values, err := t.resolve(k)
	if err == nil && k.By == "" {
		k.columns = columns
		if k.Values == nil {
			k.Words = wordsOf(values)
		}
	}
	return k, err
}

// wordsOf returns values that are words.
func wordsOf(values []any) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v.(word))
	}
	return words
}

// word is a value in a person's words.
type word string

// values returns what the columns of the key have to be.
func (k Key) values() []any {
	if k.Values != nil {
		return k.Values
	}
	values := make([]any, len(k.Words))
	for i, w := range k.Words {
		values[i] = word(w)
	}
	return values
}

// resolve returns the columns of a key and a value for each.
func (t *Table) resolve(k Key) (columns []string, values []any, err error) {
	columns = t.Primary
	switch {
	case k.By != "":
		columns = []string{k.By}
	case len(columns) == 0 && t.rowID == "":
		return nil, nil, fmt.Errorf("%w: table %s has no primary key, and its columns hide the rowid", ErrKey, diff.Identifier(t.Name))
	case len(columns) == 0:
		columns = []string{t.rowID}
	}
	if values = k.values(); len(values) != len(columns) {
		return nil, nil, fmt.Errorf("%w: the key of table %s is %s", ErrKey, diff.Identifier(t.Name), identifiers(columns))
	}
	switch {
	case k.By != "":
		return columns, values, nil
	case k.columns == nil && k.Values == nil:
		if named := byName(columns, k.Words); named != nil {
			return columns, Key{Words: named}.values(), nil
		}
	case k.columns != nil && !slices.ContainsFunc(k.columns, func(name string) bool { return place(columns, name) < 0 }):
		return k.columns, values, nil
	}
	return columns, values, nil
}

// identifiers returns names for people, one behind another.
func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = diff.Identifier(n)
	}
	return strings.Join(quoted, ", ")
}

// place returns the place of a name in a list, in upper or lower case, -1 for none.
func place(names []string, name string) int {
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// byName returns the values of words of the form COLUMN=VALUE in the order of the columns, nil if the words have another form.
func byName(columns, words []string) []string {
	values := make([]string, len(columns))
	var named []string
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		i := place(columns, name)
		if i < 0 || len(w) == len(name) || slices.Contains(named, columns[i]) {
			return nil
		}
		values[i], named = value, append(named, columns[i])
	}
	return values
}

// term returns the left side of a comparison with a column, and the value that it is compared with.
func (t *Table) term(name string, value any) (term string, arg any, err error) {
	text, isWord := value.(word)
	if c := t.column(name); c != nil {
		switch {
		case !isWord:
			return sqlite.Identifier(c.Name), value, nil
		case c.Affinity == "BLOB":
			return sqlite.Identifier(c.Name), inspect.Literal(string(text)), nil
		}
		return sqlite.Identifier(c.Name), string(text), nil // SQLite applies the affinity of the column
	}
	if !t.isRowID(name) || t.rowID == "" {
		return "", nil, fmt.Errorf("%w: table %s has no column %s", ErrKey, diff.Identifier(t.Name), diff.Identifier(name))
	}
	if !isWord {
		return t.rowID, value, nil
	}
	id, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %q is no rowid, which is a whole number", ErrKey, string(text))
	}
	return t.rowID, id, nil
}
