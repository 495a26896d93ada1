package rowsync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite/rowsync"
)

// family is a schema in which tables refer to one another, and to themselves.
const family = `
CREATE TABLE p(id INTEGER PRIMARY KEY, boss INTEGER REFERENCES p(id) ON DELETE CASCADE, name TEXT);
CREATE TABLE o(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE, total);
CREATE TABLE l(o INTEGER, n INTEGER, p INTEGER REFERENCES p(id) ON DELETE SET NULL, PRIMARY KEY(o, n), FOREIGN KEY(o) REFERENCES o(id) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE m(lo INTEGER, ln INTEGER, id INTEGER PRIMARY KEY, FOREIGN KEY(lo, ln) REFERENCES l(o, n) ON DELETE CASCADE ON UPDATE CASCADE);
`

// families makes up statements that change rows. Those that break a constraint do nothing.
func families(r *rand.Rand, n int) (statements []string) {
	id := func(most int) string {
		if r.IntN(5) == 0 {
			return "NULL"
		}
		return fmt.Sprint(1 + r.IntN(most))
	}
	for range n {
		switch r.IntN(4) {
		case 0:
			statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO p SELECT %d, (SELECT id FROM p WHERE id = %s), 'n%d'", 1+r.IntN(9), id(9), r.IntN(3)))
		case 1:
			statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO o SELECT %d, (SELECT id FROM p WHERE id = %s), %d", 1+r.IntN(12), id(9), r.IntN(3)))
		case 2:
			statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO l SELECT id, %d, (SELECT id FROM p WHERE id = %s) FROM o WHERE id = %s", 1+r.IntN(3), id(9), id(12)))
		case 3:
			statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO m SELECT o, n, %d FROM l WHERE o = %s LIMIT 1", 1+r.IntN(15), id(12)))
		}
	}
	return statements
}

// closure is the rows that --with-children and --with-parents bring back, in plain SQL. A row comes with those that refer to it;
// a row that is only needed by others comes alone.
const closure = `
CREATE TEMP TABLE cp AS WITH RECURSIVE c(id) AS (
	SELECT id FROM before.p WHERE (%[1]s) AND id NOT IN (SELECT id FROM main.p)
	UNION SELECT x.id FROM before.p x JOIN c ON x.boss = c.id WHERE x.id NOT IN (SELECT id FROM main.p)) SELECT id FROM c;
CREATE TEMP TABLE co AS SELECT id FROM before.o WHERE p IN (SELECT id FROM cp) AND id NOT IN (SELECT id FROM main.o);
CREATE TEMP TABLE cl AS SELECT o, n FROM before.l WHERE (o IN (SELECT id FROM co) OR p IN (SELECT id FROM cp)) AND (o, n) NOT IN (SELECT o, n FROM main.l);
CREATE TEMP TABLE cm AS SELECT id FROM before.m WHERE (lo, ln) IN (SELECT o, n FROM cl) AND id NOT IN (SELECT id FROM main.m);
CREATE TEMP TABLE po AS SELECT id FROM before.o WHERE id IN (SELECT o FROM cl) AND id NOT IN (SELECT id FROM main.o) AND id NOT IN (SELECT id FROM co);
CREATE TEMP TABLE pp AS WITH RECURSIVE c(id) AS (
	SELECT id FROM before.p WHERE id NOT IN (SELECT id FROM main.p) AND id NOT IN (SELECT id FROM cp) AND (id IN (SELECT boss FROM before.p WHERE id IN (SELECT id FROM cp))
		OR id IN (SELECT p FROM before.o WHERE id IN (SELECT id FROM po)) OR id IN (SELECT p FROM before.l WHERE (o, n) IN (SELECT o, n FROM cl)))
	UNION SELECT x.id FROM before.p x JOIN c ON x.id = (SELECT boss FROM before.p WHERE id = c.id)
		WHERE x.id NOT IN (SELECT id FROM main.p) AND x.id NOT IN (SELECT id FROM cp)) SELECT id FROM c;
INSERT INTO main.p SELECT * FROM before.p WHERE id IN (SELECT id FROM cp UNION SELECT id FROM pp);
INSERT INTO main.o SELECT * FROM before.o WHERE id IN (SELECT id FROM co UNION SELECT id FROM po);
INSERT INTO main.l SELECT * FROM before.l WHERE (o, n) IN (SELECT o, n FROM cl);
INSERT INTO main.m SELECT * FROM before.m WHERE id IN (SELECT id FROM cm)`

// familyContent returns all rows.
func familyContent(t testing.TB, path string) string {
	t.Helper()
	return rows(t, path, `SELECT 'p ' || quote(id) || ' ' || quote(boss) || name FROM p UNION ALL SELECT 'o ' || quote(id) || ' ' || quote(p) || ' ' || total FROM o
		UNION ALL SELECT 'l ' || o || ' ' || n || ' ' || quote(p) FROM l UNION ALL SELECT 'm ' || id || ' ' || lo || ' ' || ln FROM m ORDER BY 1`)
}

// TestFamilies compares what comes along with plain SQL, on random histories with cascades.
func TestFamilies(t *testing.T) {
	t.Parallel()
	for n := range uint64(*rounds) {
		r := rand.New(rand.NewPCG(max(*seed, 1)+n, 11))
		then := atOnce(append([]string{strings.TrimSuffix(strings.TrimSpace(family), ";")}, families(r, 40)...))
		where := fmt.Sprintf("id < %d", 2+r.IntN(9))
		now := append([]string{fmt.Sprintf("DELETE FROM p WHERE id IN (%d, %d, %d)", 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(9)),
			fmt.Sprintf("DELETE FROM o WHERE id = %d", 1+r.IntN(12))}, families(r, r.IntN(10))...)
		p := newPair(t, then, "PRAGMA foreign_keys = ON;"+atOnce(now))
		expected := p.copy(t)
		run(t, expected, p.image, []string{fmt.Sprintf(closure, where)}, false)
		plan, err := p.run(t, rowsync.Request{Table: "p", Where: where, Children: true, Parents: true})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", n+1, err, then, strings.Join(now, ";\n"))
		}
		if got, want := familyContent(t, p.path), familyContent(t, expected); got != want {
			t.Fatalf("seed %d, %s: got\n%s\nwant\n%s\n%s\n-- now:\n%s\n%+v", n+1, where, got, want, then, strings.Join(now, ";\n"), plan.Tables)
		}
		checkKeys(t, p.path)
	}
}

// checkKeys fails if a foreign key is broken.
func checkKeys(t *testing.T, path string) {
	t.Helper()
	dbtest.Integrity(t, path)
	if broken := rows(t, path, `SELECT "table" || rowid FROM pragma_foreign_key_check`); broken != "" {
		t.Errorf("broken foreign keys: %s", broken)
	}
}

// TestReplaceFamilies makes a table what it was, with all that hangs on rows that come and go. An oracle deletes by cascades.
func TestReplaceFamilies(t *testing.T) {
	t.Parallel()
	refused := 0
	for n := range uint64(*rounds) {
		r := rand.New(rand.NewPCG(max(*seed, 1)+n, 13))
		then := atOnce(append([]string{strings.TrimSuffix(strings.TrimSpace(family), ";")}, families(r, 30)...))
		now := atOnce(append([]string{fmt.Sprintf("DELETE FROM p WHERE id IN (%d, %d)", 1+r.IntN(9), 1+r.IntN(9))}, families(r, 20)...))
		p := newPair(t, then, "PRAGMA foreign_keys = ON;"+now)
		before := familyContent(t, p.path)
		_, err := p.run(t, rowsync.Request{Table: "p", Mode: rowsync.Replace, Children: true})
		if err != nil {
			if _, ok := errors.AsType[*rowsync.Refusal](err); !ok {
				t.Fatalf("seed %d: %v", n+1, err)
			}
			refused++
			if got := familyContent(t, p.path); got != before {
				t.Fatalf("seed %d: refused with %v, and changed: got\n%s\nwant\n%s", n+1, err, got, before)
			}
			continue
		}
		old := writeImage(t, p.image)
		const table = "SELECT quote(id) || ' ' || quote(boss) || name FROM p ORDER BY id"
		if got, want := rows(t, p.path, table), rows(t, old, table); got != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", n+1, got, want)
		}
		checkKeys(t, p.path)
	}
	if refused > *rounds/2 {
		t.Errorf("%d of %d were refused", refused, *rounds)
	}
}
