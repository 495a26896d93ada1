package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

// Texts with many kinds of control characters. A call of replace for each kind would nest deeper than old versions of
// SQLite parse.
func TestDumpSQLControls(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			source := built(t, "PRAGMA encoding = '"+encoding+"'; CREATE TABLE t (kinds INTEGER PRIMARY KEY, short, long)")
			fillControls(t, source)
			text := script(t, source)
			for line := range strings.Lines(text) {
				if n := strings.Count(line, "replace("); n > 2*8 { // two texts with as many kinds as have marks
					t.Errorf("%d calls of replace in a row", n)
				}
			}
			for name, load := range loaders() {
				t.Run(name, func(t *testing.T) { checkTold(t, tell(t, load(t, text)), tell(t, source)) })
			}
		})
	}
}

// fillControls inserts texts with 0 to 128 kinds of characters below 128, of which all but 95 are control characters.
func fillControls(t testing.TB, path string) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	for kinds := range 129 {
		if testing.Short() && kinds > 9 && kinds%32 != 0 && kinds != 28 {
			continue // the race detector makes SQLite slow
		}
		var b strings.Builder
		for c := range kinds {
			fmt.Fprintf(&b, "%c '\\n\\%02x'' ä😀\"", c, c)
		}
		if _, err := db.Exec("INSERT INTO t VALUES (?, ?, ?)", kinds, b.String(), strings.Repeat(b.String(), 20)); err != nil {
			t.Fatal(err)
		}
	}
}

// Tables as wide as SQLite allows: a result with the rowid too would be wider.
func TestDumpSQLWide(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1999, 2000} {
		if testing.Short() && width < 2000 {
			continue
		}
		for _, end := range []string{")", ", PRIMARY KEY (c1))", ", PRIMARY KEY (c1)) WITHOUT ROWID"} {
			t.Run(fmt.Sprint(width, end), func(t *testing.T) {
				t.Parallel()
				var columns, values strings.Builder
				for i := range width {
					fmt.Fprintf(&columns, ", c%d", i+1)
					fmt.Fprintf(&values, ", %d", i)
				}
				row := values.String()[2:]
				source := built(t, "CREATE TABLE w ("+columns.String()[2:]+end+"; INSERT INTO w VALUES ("+row+"), (x'01'"+row[1:]+")")
				if !strings.Contains(end, "WITHOUT") {
					changeRowids(t, source)
				}
				want := wideRows(t, source)
				for name, load := range loaders() {
					t.Run(name, func(t *testing.T) { checkTold(t, wideRows(t, load(t, script(t, source))), want) })
				}
			})
		}
	}
}

func changeRowids(t testing.TB, path string) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "UPDATE w SET rowid = rowid * 7 - 10")
}

// wideRows returns the columns of all rows, which are too many for one statement of a test, and the rowids.
func wideRows(t testing.TB, path string) []string {
	t.Helper()
	rows := append(answers(t, path, "SELECT * FROM w NOT INDEXED"), answers(t, path, "SELECT sql FROM sqlite_schema")...)
	if strings.Contains(rows[len(rows)-1], "WITHOUT ROWID") {
		return rows
	}
	return append(rows, answers(t, path, "SELECT rowid FROM w NOT INDEXED")...)
}
