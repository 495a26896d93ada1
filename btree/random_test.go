package btree_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// TestRandom changes databases at random, compares every state with earlier ones, and
// holds the outcome against what SQL says.
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
	for range *rounds {
		for range 1 + app.r.IntN(4) {
			app.change(t)
		}
		states = append(states, app.save(t))
		last := len(states) - 1
		for _, earlier := range []int{last - 1, app.r.IntN(last)} {
			a, b := states[earlier], states[last]
			if app.r.IntN(4) == 0 {
				a, b = b, a // back
			}
			if comparePaths(t, app.r, a, b); t.Failed() {
				t.Fatalf("seed %d: after %s", o.Seed, strings.Join(app.log, "; "))
			}
		}
	}
}

// app is an application whose database has all kinds of tables.
type app struct {
	path string
	r    *rand.Rand
	log  []string
	made int // tables
}

const schema = `
CREATE TABLE plain (id INTEGER PRIMARY KEY, a INTEGER, small TEXT, large TEXT, tail INTEGER);
CREATE INDEX plain_large ON plain (large, a);
CREATE TABLE hidden (a, b BLOB, c);
CREATE TABLE texts (k TEXT PRIMARY KEY, v TEXT);
CREATE TABLE keyed (a TEXT COLLATE NOCASE, b INTEGER, v TEXT, n, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
CREATE TABLE wide (k TEXT, v BLOB, tail TEXT, PRIMARY KEY (k)) WITHOUT ROWID;
CREATE TABLE empty (a);
CREATE VIRTUAL TABLE words USING fts5(body);
`

func newApp(t *testing.T, o dbtest.Options) *app {
	a := &app{path: filepath.Join(t.TempDir(), "app.db"), r: rand.New(rand.NewPCG(o.Seed, 3))}
	a.run(t, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d", o.PageSize, o.AutoVacuum)+";"+schema)
	if o.WAL {
		a.run(t, "PRAGMA journal_mode = WAL")
	}
	for range 60 {
		a.insert(t)
	}
	return a
}

func (a *app) run(t *testing.T, query string, args ...any) {
	t.Helper()
	a.log = append(a.log, query)
	a.log = a.log[max(0, len(a.log)-40):]
	db := dbtest.Open(t, a.path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA synchronous = OFF; PRAGMA cache_size = 20")
	dbtest.Exec(t, db, query, args...)
}

// save returns a copy of the database.
func (a *app) save(t *testing.T) string {
	db := dbtest.Open(t, a.path)
	dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	db.Close()
	b, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// text returns a text of up to n bytes that does not repeat itself.
func (a *app) text(n int) string {
	b := make([]byte, a.r.IntN(n+1)/2)
	for i := range b {
		b[i] = byte(a.r.Uint32())
	}
	return hex.EncodeToString(b)
}

// size is sometimes large.
func (a *app) size() int { return []int{20, 200, 1500, 9000}[a.r.IntN(4)] }

func (a *app) insert(t *testing.T) {
	switch a.r.IntN(6) {
	case 0, 1:
		a.run(t, "INSERT INTO plain (a, small, large, tail) VALUES (?, ?, ?, 1000)", a.r.IntN(100), a.text(40), a.text(a.size()))
	case 2:
		a.run(t, "INSERT INTO hidden (a, b, c) VALUES (?, ?, 0.5)", a.text(30), []byte(a.text(a.size())))
	case 3:
		a.run(t, "INSERT OR REPLACE INTO texts VALUES (?, ?)", a.text(6), a.text(a.size()))
	case 4:
		a.run(t, "INSERT OR REPLACE INTO keyed (a, b, v, n) VALUES (?, ?, ?, 1000)", a.text(8), a.r.IntN(5), a.text(a.size()))
	default:
		a.run(t, "INSERT OR REPLACE INTO wide VALUES (?, ?, 'abcd')", a.text(a.size()), []byte(a.text(a.size())))
	}
}

// change does one thing of many. Some leave rows as long as they were, so that
// overflow pages are written in place.
func (a *app) change(t *testing.T) {
	id := a.r.IntN(40)
	switch a.r.IntN(22) {
	case 0:
		a.run(t, "UPDATE plain SET tail = 1000 + abs(random() % 1000) WHERE id % 7 = ?", id%7)
	case 1:
		a.run(t, "UPDATE keyed SET n = 1000 + abs(random() % 1000) WHERE b = ?", id%5)
	case 2:
		a.run(t, "UPDATE wide SET tail = lower(hex(randomblob(2))) WHERE length(k) % 3 = ?", id%3)
	case 3:
		a.run(t, "UPDATE plain SET large = lower(hex(randomblob(length(large) / 2))) WHERE id = ?", id)
	case 4:
		a.run(t, "UPDATE plain SET large = substr(large, 1, length(large) - 8) || lower(hex(randomblob(4))) WHERE length(large) > 8 AND id % 5 = ?", id%5)
	case 5:
		a.run(t, "UPDATE plain SET a = a + 1 WHERE id > ?", id)
	case 6:
		a.run(t, "UPDATE hidden SET b = ? WHERE rowid = ?", []byte(a.text(a.size())), id)
	case 7:
		a.run(t, "DELETE FROM plain WHERE id BETWEEN ? AND ?", id, id+a.r.IntN(15))
	case 8:
		a.run(t, "DELETE FROM keyed WHERE b = ?", id%5)
	case 9:
		a.run(t, "DELETE FROM wide WHERE length(v) > ?", a.size())
	case 10:
		a.run(t, "DELETE FROM "+[]string{"plain", "hidden", "keyed", "wide", "texts", "empty"}[a.r.IntN(6)])
	case 11:
		a.run(t, "VACUUM")
	case 12:
		a.run(t, "PRAGMA incremental_vacuum(10)")
	case 13:
		a.made++
		a.run(t, fmt.Sprintf("CREATE TABLE new%d AS SELECT * FROM plain", a.made))
	case 14:
		a.run(t, fmt.Sprintf("DROP TABLE IF EXISTS new%d", a.r.IntN(a.made+1)))
	case 15:
		a.made++
		a.run(t, fmt.Sprintf("ALTER TABLE %s ADD COLUMN c%d", []string{"plain", "hidden", "keyed"}[a.r.IntN(3)], a.made))
	case 16:
		a.run(t, "DROP INDEX IF EXISTS plain_large")
	case 17:
		a.run(t, "CREATE INDEX IF NOT EXISTS plain_large ON plain (large, a)")
	case 18:
		a.run(t, "UPDATE keyed SET a = upper(a) WHERE b = ?", id%5)
	case 19:
		a.run(t, "INSERT INTO words VALUES (?)", a.text(200))
	case 20:
		a.run(t, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) INSERT INTO empty SELECT i FROM n")
	default:
		for range a.r.IntN(30) {
			a.insert(t)
		}
	}
}

// outcome is what changed in a table, by key.
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

// openPair opens two databases, and tells the pair a random cover of what differs.
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
		rows[key] = strings.TrimRight(row, " null:")
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
	for c, err := range p.Rows(a, b, key) {
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
		case rowA != rowB: // else it has got a column that is NULL
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
	return id, strings.TrimRight(strings.Join(texts, " "), " null:")
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
