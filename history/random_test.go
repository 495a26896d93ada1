package history_test

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

var (
	histories = flag.Int("histories", 60, "how many random histories are compared with an oracle in SQL")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first random history; 0 for a random one")
)

// count returns how many random histories a test takes: with -short, when the race detector makes all slow, few.
func count(part int) int {
	if testing.Short() {
		return min(*histories/part, 5)
	}
	return max(*histories/part, 1)
}

// eachHistory writes so many random histories, and has each compared. Each test has a stream of random numbers of its own.
func eachHistory(t *testing.T, histories int, stream uint64, compare func(a *author)) {
	t.Helper()
	seed := *firstSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	var w *world
	for n := range histories {
		if n%100 == 0 {
			t.Logf("%d histories are right, the next one has seed %d", n, seed)
			w = newWorld(t, small()) // the index of the repository grows with each snapshot
		}
		a := &author{r: rand.New(rand.NewPCG(seed, stream)), w: w}
		a.write(t, fmt.Sprintf("env%d", n))
		compare(a)
		if t.Failed() {
			t.Fatalf("run with -seed %d -histories 1; %s", seed, strings.Join(a.log, ";\n"))
		}
		seed++
	}
}

// author writes a random history of a small database.
type author struct {
	r   *rand.Rand
	w   *world
	log []string // the statements that were run
}

// definitions are the tables that an author makes. Each has the name t. They differ in what their key is, and in how it is compared.
func definitions() []string {
	return []string{
		"CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL, u TEXT UNIQUE)",
		"CREATE TABLE t(a, b INTEGER, u INT UNIQUE)",
		"CREATE TABLE t(id TEXT PRIMARY KEY, a BLOB, b)",
		"CREATE TABLE t(id TEXT COLLATE NOCASE PRIMARY KEY, a, b INTEGER) WITHOUT ROWID",
		"CREATE TABLE t(x INTEGER, y TEXT COLLATE RTRIM, a, b REAL, PRIMARY KEY (y, x)) WITHOUT ROWID",
		"CREATE TABLE t(x, y, a TEXT, b, PRIMARY KEY (x, y))",
		"CREATE TABLE t(id PRIMARY KEY, a, b)",
		"CREATE TABLE t(id INT PRIMARY KEY, rowid TEXT, a, b, u COLLATE NOCASE UNIQUE)",
		"CREATE TABLE t(id ANY PRIMARY KEY, a ANY, b INTEGER) STRICT, WITHOUT ROWID",
		"CREATE TABLE t(id REAL PRIMARY KEY, a, b AS (id * 2), c AS (a || 'x') STORED)",
		"CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a, b)",
	}
}

// write takes a few snapshots of a database that changes at random.
func (a *author) write(t testing.TB, environment string) {
	t.Helper()
	a.w.begin()
	encoding := []string{"UTF-8", "UTF-16le", "UTF-16be"}[a.r.IntN(3)]
	a.try(t, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA encoding = '%s'; PRAGMA user_version = 1",
		512<<a.r.IntN(2), a.r.IntN(3), encoding))
	if a.r.IntN(6) > 0 {
		a.try(t, a.pick(definitions()), "CREATE TABLE other(z)", "CREATE INDEX t_a ON t(a)")
	}
	for range 2 + a.r.IntN(5) {
		statements := []string{}
		for range a.r.IntN(8) {
			statements = append(statements, a.statement())
		}
		a.try(t, statements...)
		a.w.take(t, environment)
	}
}

func (a *author) pick(list []string) string { return list[a.r.IntN(len(list))] }

// try runs statements. Random ones may fail: the others are run all the same.
func (a *author) try(t testing.TB, statements ...string) {
	t.Helper()
	db := dbtest.Open(t, a.w.path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
	for _, s := range statements {
		if _, err := db.Exec(s); err == nil {
			a.log = append(a.log, s)
		}
	}
}

// statement returns a statement that may fit the table.
func (a *author) statement() string {
	switch n := a.r.IntN(40); {
	case n < 14:
		return a.insert()
	case n < 22:
		return fmt.Sprintf("UPDATE OR REPLACE t SET %s = %s WHERE %s", a.column(), a.value(), a.where())
	case n < 28:
		return "DELETE FROM t WHERE " + a.where()
	case n < 30:
		return fmt.Sprintf("ALTER TABLE t ADD COLUMN %s DEFAULT %s", a.pick([]string{"c", "d INTEGER", "e TEXT"}), a.value())
	case n < 32:
		return "ALTER TABLE t DROP COLUMN " + a.column()
	case n < 34:
		return fmt.Sprintf("ALTER TABLE t RENAME COLUMN %s TO %s", a.column(), a.pick([]string{"a", "c", "id", "f"}))
	case n == 34:
		return "VACUUM"
	case n == 35:
		return "DROP TABLE t; " + a.pick(definitions())
	case n == 36:
		return a.pick([]string{"DROP TABLE t", a.pick(definitions()), "ALTER TABLE t RENAME TO was", "ALTER TABLE was RENAME TO t"})
	case n == 37:
		return "CREATE UNIQUE INDEX IF NOT EXISTS t_b ON t(b)"
	case n == 38:
		return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) INSERT OR IGNORE INTO t(id, a) SELECT i, hex(zeroblob(20)) FROM n"
	}
	return "INSERT INTO other VALUES (zeroblob(700))"
}

func (a *author) insert() string {
	columns := [][]string{{"id", "a"}, {"id", "a", "b"}, {"a", "b", "u"}, {"x", "y", "a"}, {"x", "y", "a", "b"}, {"id", "u"}, {"id", "a", "c"}}[a.r.IntN(7)]
	values := make([]string, len(columns))
	for i := range values {
		values[i] = a.value()
	}
	return fmt.Sprintf("INSERT OR REPLACE INTO t(%s) VALUES (%s)", strings.Join(columns, ", "), strings.Join(values, ", "))
}

func (a *author) column() string { return a.pick([]string{"a", "b", "c", "d", "u", "x", "y", "id"}) }

func (a *author) value() string {
	return a.pick([]string{
		"1", "2", "3", "4", "17", "1.0", "2.5", "'1'", "'2.50'", "'ann'", "'Ann'", "'ANN '", "'bob'", "''", "'id=1'", "x''", "x'0102'", "NULL", "'é ü'",
		"'it''s'", "hex(zeroblob(400))", "'x''01'''", "'NULL'", "-9", "9223372036854775807", "1e300", "char(27) || 'a'",
	})
}

func (a *author) where() string {
	return a.pick([]string{"1", "id = 1", "id > 2", "a = 'ann'", "x = 1", "rowid = 1", "rowid % 2", "u IS NULL", "b = 2", "id = 'ann'", "a IS NULL"})
}

// keys returns the keys of rows that any of the snapshots has or may have, as a person writes them, for the primary key and
// for unique columns. The first part of each is the column for --by.
func keys(t *testing.T, r *rand.Rand, databases []*restored) (all [][]string) {
	t.Helper()
	for _, db := range databases {
		for _, by := range []string{"", "u", "rowid", "b"} {
			columns := []string{by}
			if by == "" {
				columns = primary(t, db)
			}
			for _, values := range values(db, columns) {
				key := append([]string{by}, values...)
				if by == "" && len(values) > 1 && r.IntN(3) == 0 {
					key = []string{by, columns[1] + "=" + values[1], strings.ToUpper(columns[0]) + "=" + values[0]}
				}
				all = append(all, key)
			}
		}
	}
	all = append(all, []string{"", "4"}, []string{"", "ann"}, []string{"rowid", "2"}, []string{"", "1", "ann"})
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal)
}

// primary returns the columns of the primary key of t, rowid for none.
func primary(t *testing.T, db *restored) []string {
	t.Helper()
	names := texts(t, db, "SELECT name FROM pragma_table_info('t') WHERE pk ORDER BY pk")
	if len(names) == 0 {
		return []string{"rowid"}
	}
	return names
}

// values returns the values of columns in all rows, as words: a text of a typed column as it is, and any other value as SQL.
func values(db *restored, columns []string) (all [][]string) {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = fmt.Sprintf("iif((SELECT type IN ('', 'ANY') FROM pragma_table_info('t') WHERE name = '%[1]s'), quote(%[1]s), CAST(%[1]s AS TEXT))", c)
	}
	rows, err := db.Query("SELECT DISTINCT " + strings.Join(list, ", ") + " FROM t LIMIT 12")
	if err != nil {
		return nil // the table has no such columns
	}
	defer rows.Close()
	for rows.Next() {
		words, pointers := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range words {
			pointers[i] = &words[i]
		}
		if rows.Scan(pointers...) != nil || slices.ContainsFunc(words, func(w sql.NullString) bool { return !w.Valid }) {
			continue // NULL is equal to nothing
		}
		var key []string
		for _, w := range words {
			key = append(key, w.String)
		}
		all = append(all, key)
	}
	return all
}

// restored is a snapshot as a file, which does not change.
type restored struct {
	*sql.DB
	known map[string][]string // the results of queries
}

// texts returns the first column of a query.
func texts(t *testing.T, db *restored, query string, args ...any) (all []string) {
	t.Helper()
	asked := fmt.Sprint(query, args)
	if known, ok := db.known[asked]; ok {
		return known
	}
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all = append(all, s)
	}
	db.known[asked] = all
	return all
}
