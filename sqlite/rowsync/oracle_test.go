package rowsync_test

import (
	"database/sql"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite/rowsync"
)

var (
	seed   = flag.Uint64("seed", 0, "the first seed of random tests; 0 for the usual one")
	rounds = flag.Int("rounds", 60, "how many random histories are tried")
)

// sheet is a random table with its history.
type sheet struct {
	create  string
	key     []string // its columns; nil for the rowid
	rowid   bool     // it has one that is no column
	unique  bool     // a column besides has a unique index
	changes []string // of the schema
	common  []string // columns that can be written before and after
}

// newSheet makes up a table.
func newSheet(r *rand.Rand) *sheet {
	s := &sheet{rowid: true, common: []string{"k", "l", "c", "d"}}
	ends := ""
	key := ""
	switch r.IntN(6) {
	case 0:
		key, s.key, s.rowid = ", PRIMARY KEY(k, l)", []string{"k", "l"}, false
		ends = " WITHOUT ROWID"
	case 1:
		key, s.key = ", PRIMARY KEY(k, l)", []string{"k", "l"} // may hold NULL
	case 2:
		key, s.key = ", UNIQUE(l COLLATE NOCASE)", []string{"l"}
	case 3: // no key
	case 4:
		s.create = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, k, l TEXT COLLATE RTRIM, c REAL, d"
		s.key, s.rowid, s.common = []string{"id"}, false, append(s.common, "id")
	case 5:
		s.create = "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, l TEXT, c REAL, d ANY"
		s.key, s.rowid, s.common = []string{"id"}, false, append(s.common, "id")
		ends = " STRICT"
	}
	if s.create == "" {
		s.create = "CREATE TABLE t(k INTEGER, l TEXT COLLATE NOCASE, c NUMERIC, d"
	}
	s.create += ", g AS (coalesce(l, '')) STORED" + key + ")" + ends
	if ends == " STRICT" {
		s.create = strings.Replace(s.create, ", g AS", ", g TEXT AS", 1)
	}
	if s.unique = r.IntN(3) == 0; s.unique {
		s.create += "; CREATE UNIQUE INDEX u ON t(c)"
		if s.key == nil { // then it is the key
			s.key, s.unique = []string{"c"}, false
		}
	}
	s.alter(r)
	return s
}

// alter makes up changes of the schema.
func (s *sheet) alter(r *rand.Rand) {
	drop := func(name string) { s.common = slices.DeleteFunc(s.common, func(c string) bool { return c == name }) }
	switch r.IntN(5) {
	case 0:
		s.changes = append(s.changes, "ALTER TABLE t ADD COLUMN e TEXT DEFAULT 'new'")
	case 1:
		s.changes = append(s.changes, "ALTER TABLE t DROP COLUMN d")
		drop("d")
	case 2:
		s.changes = append(s.changes, "ALTER TABLE t RENAME COLUMN d TO f")
		drop("d")
	}
}

// value makes up a literal for a column.
func value(r *rand.Rand, column string, strict bool) string {
	switch {
	case column == "id":
		return strconv.Itoa(1 + r.IntN(8))
	case column == "k":
		return []string{"0", "1", "2", "NULL", "3"}[r.IntN(5)]
	case column == "l":
		return []string{"'a'", "'A'", "'b'", "'b '", "''", "'é'", "NULL", "'x''y'"}[r.IntN(8)]
	case column == "c":
		return []string{"0", "1", "1.5", "2", "NULL", "3", "4", "-7.25", "9e999", "1e-300"}[r.IntN(10)]
	}
	return []string{"NULL", "x'00ff'", "x''", "'a'||char(0)||'b'", "7", "7.0", "'7'", "CAST(x'ff61' AS TEXT)", "0.1", "'line'||char(10)"}[r.IntN(10)]
}

// history makes up statements that change rows. Those that break a constraint do nothing.
func (s *sheet) history(r *rand.Rand, n int, columns []string) (statements []string) {
	for range n {
		switch r.IntN(6) {
		case 0:
			statements = append(statements, fmt.Sprintf("DELETE FROM t WHERE k = %d", r.IntN(4)))
		case 1:
			c := columns[r.IntN(len(columns))]
			statements = append(statements, fmt.Sprintf("UPDATE OR IGNORE t SET %s = %s WHERE l IS %s", c, value(r, c, false), value(r, "l", false)))
		default:
			values := make([]string, len(columns))
			for i, c := range columns {
				values[i] = value(r, c, false)
			}
			statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO t(%s) VALUES (%s)", strings.Join(columns, ", "), strings.Join(values, ", ")))
		}
	}
	return statements
}

// match is the condition that a row l of now is the row s of then.
func (s *sheet) match() string {
	if s.key == nil {
		return "l.rowid = s.rowid"
	}
	var equal, whole []string
	for _, c := range s.key {
		equal = append(equal, fmt.Sprintf("l.%s IS s.%s", c, c))
		whole = append(whole, fmt.Sprintf("s.%s IS NOT NULL", c))
	}
	condition := strings.Join(equal, " AND ")
	if s.rowid {
		condition += " AND (" + strings.Join(whole, " AND ") + " OR l.rowid = s.rowid)"
	}
	return condition
}

// expect returns the statements by which plain SQL does what the request says, with the image attached as before, without some
// rows.
func (s *sheet) expect(mode rowsync.Mode, where, without string) (statements []string) {
	in, out := "1", "1"
	if where != "" {
		in, out = "("+qualify(where, "s.")+"\n)", "("+qualify(where, "l.")+"\n)"
	}
	in += without
	exists := func(of string) string { return "EXISTS (SELECT 1 FROM " + of + " WHERE " + s.match() }
	if mode == rowsync.Replace {
		statements = append(statements, "DELETE FROM main.t AS l WHERE "+out+" AND NOT "+exists("before.t AS s")+" AND "+in+")")
	}
	if mode != rowsync.Insert {
		var sets []string
		for _, c := range s.common {
			sets = append(sets, c+" = s."+c)
		}
		statements = append(statements, "UPDATE main.t AS l SET "+strings.Join(sets, ", ")+" FROM before.t AS s WHERE "+in+" AND "+s.match())
	}
	if mode == rowsync.Update {
		return statements
	}
	missing := " FROM before.t AS s WHERE " + in + " AND NOT " + exists("main.t AS l") + ")"
	columns := strings.Join(s.common, ", ")
	if !s.rowid {
		return append(statements, "INSERT OR IGNORE INTO main.t("+columns+") SELECT "+columns+missing)
	}
	whole := []string{"1"}
	for _, c := range s.key {
		whole = append(whole, c+" IS NOT NULL")
	}
	keyed := " AND " + strings.Join(whole, " AND ")
	if s.key == nil {
		keyed = " AND 0"
	}
	return append(statements,
		"INSERT OR IGNORE INTO main.t(rowid, "+columns+") SELECT rowid, "+columns+missing+strings.Replace(keyed, "AND", "AND NOT (", 1)+")",
		"INSERT OR IGNORE INTO main.t("+columns+") SELECT "+columns+missing+keyed)
}

// without is a condition for rows of the image that are not left out because another row has a value of theirs.
func without(p *rowsync.Plan) (condition string) {
	for _, r := range p.Tables[0].Rows {
		if r.Kind != rowsync.Conflicted {
			continue
		}
		var parts []string
		for _, f := range r.Key {
			parts = append(parts, "s."+f.Name+" IS "+literal(f.Value))
		}
		condition += " AND NOT (" + strings.Join(parts, " AND ") + ")"
	}
	return condition
}

// qualify puts the name of a table before the columns of a condition of conditions.
func qualify(where, of string) string {
	return strings.NewReplacer("{", of, "}", "").Replace(where)
}

// conditions returns conditions, with their columns in braces.
func conditions() []string {
	return []string{"", "", "{k} = 1", "{l} = 'a' -- a comment", "{k} > 0 OR {c} IS NULL", "{c} > 1 AND {k} IN (1, 2, 3)"}
}

// content returns all rows of the table, sorted.
func (s *sheet) content(t testing.TB, path string) string {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	columns, err := db.Query("SELECT name FROM pragma_table_xinfo('t')")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for columns.Next() {
		var name string
		if err := columns.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprintf("typeof(%s) || quote(%s) || hex(%s)", name, name, name))
	}
	columns.Close()
	if s.key == nil {
		names = append(names, "rowid")
	}
	return rows(t, path, "SELECT "+strings.Join(names, " || '|' || ")+" FROM t ORDER BY 1")
}

// TestOracle compares each mode with plain SQL, on random tables with random histories.
func TestOracle(t *testing.T) {
	t.Parallel()
	first := *seed
	if first == 0 {
		first = 1
	}
	for n := range uint64(*rounds) {
		r := rand.New(rand.NewPCG(first+n, 7))
		s := newSheet(r)
		then := append([]string{s.create}, s.history(r, 12, columnsOf(s.create))...)
		now := s.history(r, 4+r.IntN(8), columnsOf(s.create))
		now = append(now, s.changes...)
		now = append(now, s.history(r, r.IntN(5), s.common)...)
		where := conditions()[r.IntN(len(conditions()))]
		for _, mode := range rowsync.Modes() {
			name := fmt.Sprintf("seed=%d,%s,where=%s", first+n, mode, qualify(where, ""))
			p := newPair(t, atOnce(then), atOnce(now))
			if s.check(t, name, p, mode, where); t.Failed() {
				t.Fatalf("%s:\n%s;\n-- now:\n%s", name, strings.Join(then, ";\n"), strings.Join(now, ";\n"))
			}
		}
	}
}

// atOnce returns statements as one transaction, which need not survive a crash.
func atOnce(statements []string) string {
	return "PRAGMA synchronous = OFF; BEGIN;\n" + strings.Join(statements, ";\n") + ";\nCOMMIT"
}

// columnsOf returns the columns of a definition of newSheet that can be written.
func columnsOf(create string) []string {
	names := []string{"k", "l", "c", "d"}
	if strings.Contains(create, "(id ") {
		names = append(names, "id")
	}
	return names
}

// check runs one mode, and compares: the plan with the effect, the effect with plain SQL, and with the statements of the plan.
func (s *sheet) check(t *testing.T, name string, p *pair, mode rowsync.Mode, where string) {
	t.Helper()
	expected, emitted := p.copy(t), p.copy(t)
	before := count(t, p.path)
	r := rowsync.Request{Table: "t", Where: qualify(where, ""), Mode: mode}
	plan, err := p.run(t, r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	left := without(plan)
	if mode == rowsync.Insert || mode == rowsync.Replace && where == "" {
		left = "" // plain SQL leaves out the same rows, or none
	}
	run(t, expected, p.image, s.expect(mode, where, left), s.unique && mode != rowsync.Insert)
	got, want := s.content(t, p.path), s.content(t, expected)
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s\nplan %+v", name, got, want, plan.Tables[0])
	}
	counts := plan.Tables[0]
	if after := count(t, p.path); after != before+counts.Inserted-counts.Deleted {
		t.Errorf("%s: got %d rows after %d, with the plan %+v", name, after, before, counts)
	}
	script := "BEGIN"
	for _, statement := range plan.Statements {
		script += ";\n" + statement.Text(literal)
	}
	execute(t, emitted, script+"; COMMIT")
	if got := s.content(t, emitted); got != want {
		t.Errorf("%s: the statements give\n%s\nwant\n%s\n%s", name, got, want, script)
	}
	dbtest.Integrity(t, p.path)
	if _, again, err := p.plan(t, r); err != nil || !again.Empty() {
		t.Errorf("%s: the plan for the second time: %+v, %v", name, again, err)
	}
}

// copy copies the database.
func (p *pair) copy(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeImage writes an image into a file.
func writeImage(t testing.TB, image []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run executes statements with the image attached as before. Where rows may exchange the values of a unique index, it is made
// anew at the end, which fails for values that are not unique: plain SQL has no order for that.
func run(t testing.TB, path string, image []byte, statements []string, exchange bool) {
	t.Helper()
	old := writeImage(t, image)
	db := dbtest.Open(t, path)
	defer db.Close()
	db.SetMaxOpenConns(1)
	dbtest.Exec(t, db, "ATTACH '"+old+"' AS before")
	if exchange {
		dropUnique(t, db)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if exchange {
		dbtest.Exec(t, db, "CREATE UNIQUE INDEX u ON t(c)")
	}
}

// dropUnique takes the unique index away for as long as rows exchange their values.
func dropUnique(t testing.TB, db *sql.DB) {
	t.Helper()
	dbtest.Exec(t, db, "DROP INDEX main.u")
}

func count(t testing.TB, path string) int {
	t.Helper()
	n, err := strconv.Atoi(rows(t, path, "SELECT count(*) FROM t"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// literal writes a value as SQL, in a way of its own.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if math.IsInf(v, 0) {
			return fmt.Sprintf("%.0fe999", math.Copysign(9, v))
		}
		return strconv.FormatFloat(v, 'e', -1, 64)
	case string:
		return fmt.Sprintf("CAST(x'%x' AS TEXT)", v)
	}
	return fmt.Sprintf("x'%x'", v)
}
