package btree_test

import (
	"bytes"
	"database/sql"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firn/btree"
	"firn/internal/dbtest"
)

var (
	seed   = flag.Uint64("seed", 0, "seed of the random changes; 0: several fixed ones")
	rounds = flag.Int("rounds", 12, "how many states of each random database are compared")
)

// TestRandom changes databases at random, compares every state with earlier states, and checks the
// result by SQL.
func TestRandom(t *testing.T) {
	t.Parallel()
	for i, o := range []dbtest.Options{
		{PageSize: 512}, {PageSize: 512, AutoVacuum: 1}, {PageSize: 1024, AutoVacuum: 2, WAL: true},
		{PageSize: 4096, WAL: true}, {PageSize: 4096, AutoVacuum: 1}, {PageSize: 65536},
	} {
		t.Run(fmt.Sprintf("page=%d,vacuum=%d", o.PageSize, o.AutoVacuum), func(t *testing.T) {
			t.Parallel()
			o.Seed = uint64(i) + 1
			if *seed != 0 {
				o.Seed = *seed
			}
			randomStates(t, o)
		})
	}
}

func randomStates(t *testing.T, o dbtest.Options) {
	app := newApp(t, o)
	states := []string{app.save(t)}
	n := *rounds
	if testing.Short() {
		n = min(n, 4)
	}
	for range n {
		for range 1 + app.r.IntN(4) {
			app.change(t)
		}
		states = append(states, app.save(t))
		last := len(states) - 1
		for _, earlier := range []int{last - 1, app.r.IntN(last)} {
			a, b := states[earlier], states[last]
			if app.r.IntN(4) == 0 {
				a, b = b, a // backwards
			}
			if comparePaths(t, app.r, a, b); t.Failed() {
				t.Fatalf("seed %d: after %s", o.Seed, strings.Join(app.log, "; "))
			}
		}
	}
}

// outcome is the changes in a table, by key.
type outcome map[string]string

// comparePaths compares two databases with and without SQL.
func comparePaths(t *testing.T, r *rand.Rand, pathA, pathB string) {
	t.Helper()
	pair, a, b := openPair(t, r, pathA, pathB)
	tablesA, tablesB := tablesOf(t, a), tablesOf(t, b)
	sqlA, sqlB := dbtest.Open(t, pathA), dbtest.Open(t, pathB)
	defer sqlA.Close()
	defer sqlB.Close()
	for _, name := range slices.Compact(slices.Sorted(concat(maps.Keys(tablesA), maps.Keys(tablesB)))) {
		rowsA, keyA := rowsOf(t, sqlA, name, tablesA[name])
		rowsB, keyB := rowsOf(t, sqlB, name, tablesB[name])
		want := differences(rowsA, rowsB)
		got := changesOf(t, pair, tablesA[name].Root, tablesB[name].Root, max(keyA, keyB))
		if !maps.Equal(got, want) {
			t.Errorf("table %s: got %s, want %s", name, got, want)
		}
	}
}

func concat[V any](seqs ...iter.Seq[V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, seq := range seqs {
			for v := range seq {
				if !yield(v) {
					return
				}
			}
		}
	}
}

func tablesOf(t *testing.T, f *btree.File) map[string]btree.Object {
	t.Helper()
	objects, err := f.Schema()
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string]btree.Object)
	for _, o := range objects {
		if o.Type == "table" && o.Root != 0 {
			tables[o.Name] = o
		}
	}
	return tables
}

// openPair opens two databases, and gives the pair random ranges that cover the differences.
func openPair(t *testing.T, r *rand.Rand, pathA, pathB string) (pair *btree.Pair, a, b *btree.File) {
	t.Helper()
	var bytesOf [2][]byte
	var files [2]*btree.File
	for i, path := range []string{pathA, pathB} {
		var err error
		if bytesOf[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if files[i], err = btree.Open(bytes.NewReader(bytesOf[i]), int64(len(bytesOf[i]))); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := btree.NewPair(files[0], files[1], cover(bytesOf[0], bytesOf[1], int64(1+r.IntN(3000))))
	if err != nil {
		t.Fatal(err)
	}
	return pair, files[0], files[1]
}

// cover returns ranges of a grid, outside of which a and b are the same.
func cover(a, b []byte, grid int64) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		for from := int64(0); from < int64(max(len(a), len(b))); from += grid {
			part := func(b []byte) []byte { return b[min(from, int64(len(b))):min(from+grid, int64(len(b)))] }
			if !bytes.Equal(part(a), part(b)) && !yield(from, from+grid) {
				return
			}
		}
	}
}

// rowsOf returns all rows by key, as SQL sees them, and how many columns of the
// record are the key, 0 for a rowid.
func rowsOf(t *testing.T, db *sql.DB, table string, o btree.Object) (rows map[string]string, key int) {
	t.Helper()
	if o.Root == 0 {
		return nil, 0
	}
	columns, keys := columnsOf(t, db, table)
	name := "rowid"
	if strings.Contains(o.SQL, "WITHOUT ROWID") {
		name, key = strings.Join(keys, " || ' ' || "), len(keys)
	}
	got, err := db.Query(fmt.Sprintf("SELECT %s, %s FROM %q", name, strings.Join(columns, " || ' ' || "), table))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	rows = make(map[string]string)
	for got.Next() {
		var key, row string
		if err := got.Scan(&key, &row); err != nil {
			t.Fatal(err)
		}
		rows[key] = withoutNulls(row)
	}
	if got.Err() != nil {
		t.Fatal(got.Err())
	}
	return rows, key
}

// columnsOf returns expressions for the columns in the order of the record, and of
// the key. The rowid's is NULL in the record.
func columnsOf(t *testing.T, db *sql.DB, table string) (columns, keys []string) {
	t.Helper()
	rows, err := db.Query(`SELECT t.name, coalesce(x.seqno, -1), coalesce(x.key, 0), t.pk AND upper(t.type) = 'INTEGER' AND x.seqno IS NULL
		FROM pragma_table_info(?1) t LEFT JOIN pragma_index_xinfo(?1) x ON x.name = t.name ORDER BY 2, t.cid`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var seq, key int
		var alias bool
		if err := rows.Scan(&name, &seq, &key, &alias); err != nil {
			t.Fatal(err)
		}
		expr := fmt.Sprintf("typeof(%[1]q) || ':' || iif(typeof(%[1]q) = 'text', quote(%[1]q), hex(%[1]q))", name)
		if alias {
			expr = "'null:'"
		}
		columns = append(columns, expr)
		if key == 1 {
			keys = append(keys, expr)
		}
	}
	return columns, keys
}

func differences(a, b map[string]string) outcome {
	o := outcome{}
	for key, row := range a {
		if other, ok := b[key]; !ok {
			o[key] = "removed"
		} else if other != row {
			o[key] = "changed"
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			o[key] = "added"
		}
	}
	return o
}

func changesOf(t *testing.T, p *btree.Pair, a, b uint32, key int) outcome {
	t.Helper()
	o := outcome{}
	same, err := p.Same(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range p.Rows(a, b, key, btree.RowOptions{}) {
		if same {
			t.Error("tables that share all pages differ")
		}
		if err != nil {
			t.Fatal(err)
		}
		keyA, rowA := rowText(t, c.Before, key)
		keyB, rowB := rowText(t, c.After, key)
		switch {
		case c.Before == nil:
			o[keyB] += "added"
		case c.After == nil:
			o[keyA] += "removed"
		case keyA != keyB:
			t.Errorf("row %s became row %s", keyA, keyB)
		case rowA != rowB: // otherwise the row has got a column that is NULL
			o[keyA] += "changed"
		}
	}
	return o
}

// rowText returns the key and the values of a row in the form of rowsOf.
func rowText(t *testing.T, row *btree.Row, key int) (id, text string) {
	t.Helper()
	if row == nil {
		return "", ""
	}
	values, err := row.Values()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, v := range values {
		texts = append(texts, valueText(v))
	}
	id = strconv.FormatInt(row.RowID, 10)
	if key > 0 {
		id = strings.Join(texts[:key], " ")
	}
	return id, withoutNulls(strings.Join(texts, " "))
}

// withoutNulls leaves out the last columns of a row if they are NULL: older rows lack them.
func withoutNulls(row string) string {
	for {
		shorter := strings.TrimSuffix(row, " null:")
		if shorter == row {
			return row
		}
		row = shorter
	}
}

func valueText(v any) string {
	switch v := v.(type) {
	case int64:
		return fmt.Sprintf("integer:%X", strconv.FormatInt(v, 10))
	case float64:
		return fmt.Sprintf("real:%X", strconv.FormatFloat(v, 'g', -1, 64))
	case string:
		return "text:'" + strings.ReplaceAll(v, "'", "''") + "'"
	case []byte:
		return fmt.Sprintf("blob:%X", v)
	}
	return "null:"
}
