package rowsync

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"firn/sqlite/caseless"
)

// row is a row of a table: of the image, or of the live database.
type row struct {
	rowid  any   // int64, or nil if SQL cannot name it
	values []any // one for each column that can be written: nil, int64, float64, string, []byte or absent
}

// absent stands for the value of a column that the image does not have.
type absent struct{}

// rowOverhead is what a row takes in memory beside its texts and blobs, for each value, in bytes.
const rowOverhead = 32

// size returns about how much memory the row takes.
func (r *row) size() int64 {
	n := rowOverhead * (len(r.values) + 4)
	for _, v := range r.values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return int64(n)
}

// pick returns the values of some columns. It reports false if one is NULL or absent.
func (r *row) pick(columns []int) (values []any, whole bool) {
	values = make([]any, len(columns))
	for i, c := range columns {
		values[i] = r.values[c]
		if _, missing := values[i].(absent); missing || values[i] == nil {
			return nil, false
		}
	}
	return values, true
}

// merged returns the row as it is after the values of another one were written over it.
func (r *row) merged(with *row) *row {
	m := &row{rowid: r.rowid, values: slices.Clone(r.values)}
	for i, v := range with.values {
		if _, missing := v.(absent); !missing {
			m.values[i] = v
		}
	}
	return m
}

// differing returns the columns in which a live row differs from a wanted one.
func (r *row) differing(want *row) (columns []int) {
	for i, v := range want.values {
		if _, missing := v.(absent); !missing && !same(r.values[i], v) {
			columns = append(columns, i)
		}
	}
	return columns
}

// same reports whether two values are stored as the same type and bytes.
func same(a, b any) bool {
	x, isBlob := a.([]byte)
	y, both := b.([]byte)
	if isBlob || both {
		return isBlob && both && bytes.Equal(x, y)
	}
	return a == b
}

// id returns a text that is the same for two rows if and only if they are the same row. A row with NULL in its key is not
// found by its key alone, since NULL is equal to nothing: it is the same row if its rowid is the same, too.
func (t *table) id(r *row) string {
	if t.byRowid() {
		return "r" + canonical([]any{r.rowid}, nil)
	}
	values, whole := r.pick(t.key.columns)
	if whole {
		return "k" + canonical(values, t.key.collations)
	}
	values = []any{r.rowid}
	for _, c := range t.key.columns {
		values = append(values, r.values[c])
	}
	return "n" + canonical(values, append([]string{"BINARY"}, t.key.collations...))
}

// canFind reports whether SQL can tell the row from others.
func (t *table) canFind(r *row) bool {
	_, whole := r.pick(t.key.columns)
	return whole && !t.byRowid() || t.rowid != "" && r.rowid != nil
}

// knownCollation reports whether a collation is one of SQLite's own.
func knownCollation(name string) bool {
	return slices.Contains([]string{"BINARY", "NOCASE", "RTRIM"}, strings.ToUpper(name))
}

// canonical returns a text that is the same for two lists of values if and only if SQLite takes them for equal, each by its
// collation. Without collations, texts are compared byte by byte.
func canonical(values []any, collations []string) string {
	var b []byte
	for i, v := range values {
		collation := ""
		if i < len(collations) {
			collation = strings.ToUpper(collations[i])
		}
		b = appendCanonical(b, v, collation)
	}
	return string(b)
}

func appendCanonical(b []byte, v any, collation string) []byte {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
	case float64:
		if whole := int64(v); v >= -1<<63 && v < 1<<63 && float64(whole) == v { // 1.0 is equal to 1
			return appendCanonical(b, whole, "")
		}
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
	case string:
		switch collation {
		case "NOCASE":
			v = caseless.Fold(v)
		case "RTRIM":
			v = strings.TrimRight(v, " ")
		}
		return append(binary.AppendUvarint(append(b, 't'), uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
	case nil:
		return append(b, 'n')
	}
	return append(b, 'a') // absent
}
