package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// rowsSeed repeats a run of TestRows.
var rowsSeed = flag.Uint64("rows-seed", 0, "seed of the random tables in TestRows; 0 means any")

// randomTables fills a database with tables of every kind, and leaves free pages behind that once were parts of trees.
type randomTables struct {
	t     testing.TB
	db    *sql.DB
	r     *rand.Rand
	names []string
}

// randomDB makes a database and returns its path, and a connection that keeps its WAL.
func randomDB(t testing.TB, seed uint64, pageSize int, wal bool) (string, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	x := &randomTables{t: t, db: dbtest.Open(t, path), r: rand.New(rand.NewPCG(seed, 4))}
	t.Cleanup(func() { x.db.Close() })
	x.exec("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA synchronous = OFF", pageSize, x.r.IntN(3))
	if wal {
		x.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = %d", x.r.IntN(100))
	}
	for range 3 + x.r.IntN(6) {
		x.create()
		x.change()
	}
	return path, x.db
}

func (x *randomTables) exec(format string, args ...any) {
	x.t.Helper()
	dbtest.Exec(x.t, x.db, fmt.Sprintf(format, args...))
}

func (x *randomTables) create() {
	name := fmt.Sprintf([]string{`t%d`, `"a ""table"" %d"`, `"täble;%d--"`, `[%d'x]`, `T_%d`}[x.r.IntN(5)], len(x.names))
	switch x.r.IntN(6) {
	case 0:
		x.exec("CREATE TABLE %s (a INTEGER PRIMARY KEY AUTOINCREMENT, b, c)", name)
	case 1:
		x.exec("CREATE TABLE %s (a TEXT PRIMARY KEY, b, c) WITHOUT ROWID", name)
	case 2:
		x.exec("CREATE TABLE %s (a, b, c, PRIMARY KEY (b, a)) WITHOUT ROWID", name)
	case 3:
		x.exec("CREATE TABLE %s (a INTEGER PRIMARY KEY, b BLOB, c BLOB) STRICT, WITHOUT ROWID", name)
	default:
		x.exec("CREATE TABLE %s (a, b UNIQUE, c)", name)
		x.exec("CREATE INDEX i%d ON %s (c)", len(x.names), name)
	}
	x.names = append(x.names, name)
}

// change fills a table, and takes some rows away.
func (x *randomTables) change() {
	rows := []int{0, 1, 40, 900, 6000}[x.r.IntN(5)]
	x.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d)
		INSERT OR IGNORE INTO %s SELECT abs(random()), randomblob(%d), randomblob(abs(random()) %% %d) FROM n WHERE %d`,
		max(rows, 1), x.names[len(x.names)-1], 8+x.r.IntN(90), 1+x.r.IntN(90), min(rows, 1))
	name := x.names[x.r.IntN(len(x.names))]
	switch x.r.IntN(9) {
	case 0:
		x.exec("DELETE FROM %s", name)
	case 1:
		x.exec("DELETE FROM %s WHERE a %% 7 > 0", name)
	case 2:
		x.exec("DELETE FROM %s WHERE a < %d", name, x.r.Int64())
	case 3:
		x.exec("UPDATE %s SET c = randomblob(30000) WHERE a %% 50 = 0", name) // overflow pages
	case 4:
		x.exec("VACUUM")
	case 5:
		x.exec("PRAGMA incremental_vacuum(20)")
	case 6:
		x.exec("CREATE VIRTUAL TABLE v%d USING fts5 (text); INSERT INTO v%[1]d SELECT hex(c) FROM %[2]s LIMIT 40", len(x.names), name)
	case 7:
		x.exec("ANALYZE; CREATE VIEW w%d AS SELECT a FROM %s", len(x.names), name)
	case 8:
		x.exec("CREATE TABLE gone AS SELECT * FROM %s; DROP TABLE gone", name)
	}
}

// wantRows counts rows by SELECT.
func wantRows(t testing.TB, db *sql.DB) []sqlite.TableRows {
	t.Helper()
	found, err := db.Query("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	rows := []sqlite.TableRows{}
	for found.Next() {
		var r sqlite.TableRows
		if err := found.Scan(&r.Name); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Name, "sqlite_") {
			rows = append(rows, r)
		}
	}
	for i := range rows {
		query := fmt.Sprintf(`SELECT count(*) FROM "%s" NOT INDEXED`, strings.ReplaceAll(rows[i].Name, `"`, `""`))
		if err := db.QueryRow(query).Scan(&rows[i].Rows); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// checkRows compares the rows that an image counts with the rows of the tables.
func checkRows(t testing.TB, image *sqlite.Image, want []sqlite.TableRows) {
	t.Helper()
	got, known := image.Rows()
	if !known || !slices.Equal(got, want) {
		t.Errorf("rows: got %v, known %t, want %v", got, known, want)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	seed := *rowsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-rows-seed=%d", seed)
	options := ways()
	options["Compact"] = sqlite.Options{Compact: true}
	for size := 512; size <= 65536; size *= 2 {
		for _, wal := range []bool{false, true} {
			t.Run(fmt.Sprintf("page=%d,wal=%v", size, wal), func(t *testing.T) {
				t.Parallel()
				path, db := randomDB(t, seed+uint64(size), size, wal)
				want := wantRows(t, db)
				for name, o := range options {
					image := openImage(t, path, o)
					if got, known := image.Rows(); known {
						t.Errorf("%s: rows before reading: got %v, want none known", name, got)
					}
					var r io.Reader = image
					if size < 4096 {
						r = iotest.HalfReader(image) // pages come in pieces
					}
					readAll(t, r)
					checkRows(t, image, want)
				}
				got, err := sqlite.CountRows(t.Context(), path)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("live: got %v, %v, want %v", got, err, want)
				}
			})
		}
	}
}

// TestRowsOfDeepTrees counts in trees as deep as they become, beside free pages that once belonged to such trees.
func TestRowsOfDeepTrees(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and slow under the race detector")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	defer db.Close()
	fill := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO %s SELECT i, randomblob(110) FROM n;"
	dbtest.Exec(t, db, "PRAGMA page_size = 512; PRAGMA synchronous = OFF")
	dbtest.Exec(t, db, "CREATE TABLE old (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID;"+fmt.Sprintf(fill, "old"))
	dbtest.Exec(t, db, "DROP TABLE old; CREATE TABLE deep (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID; CREATE TABLE flat (a INTEGER PRIMARY KEY, b)")
	dbtest.Exec(t, db, fmt.Sprintf(fill+fill, "deep", "flat")+"DELETE FROM deep WHERE a % 3 > 0")
	image := openImage(t, path, sqlite.Options{})
	readAll(t, image)
	checkRows(t, image, []sqlite.TableRows{{Name: "deep", Rows: 6666}, {Name: "flat", Rows: 20000}})
}

func TestRowsOfNoTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA user_version = 1")
	image := openImage(t, path, sqlite.Options{})
	if _, err := io.ReadFull(image, make([]byte, image.Info().Size)); err != nil {
		t.Fatal(err)
	}
	checkRows(t, image, []sqlite.TableRows{}) // known without a read to the end of the file
	if got, err := sqlite.CountRows(t.Context(), path); err != nil || got == nil || len(got) > 0 {
		t.Errorf("live: got %v, %v, want no tables", got, err)
	}
}

// TestRowsAfterChangeBetweenThePasses counts the rows that were read, and not the rows before a change.
func TestRowsAfterChangeBetweenThePasses(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	db := dbtest.Open(t, path)
	defer db.Close()
	image := openImage(t, path, sqlite.WithMemoryLimit(sqlite.Options{}, 1))
	nothing := func(*os.File) {}
	sqlite.TwoPasses(t, image, nothing, func(*os.File) {
		dbtest.Exec(t, db, "DROP TABLE sessions; CREATE TABLE later (a); INSERT INTO later SELECT slug FROM posts")
	})
	readAll(t, image)
	checkRows(t, image, wantRows(t, db))
}

// TestRowsOfBrokenPages reads pages that contradict each other: the image is read, and nothing is counted.
func TestRowsOfBrokenPages(t *testing.T) {
	t.Parallel()
	breaks := map[string]func(page []byte, number int){
		"Circle":    func(page []byte, number int) { binary.BigEndian.PutUint32(page[8:], uint32(number)) },
		"PastEnd":   func(page []byte, _ int) { binary.BigEndian.PutUint32(page[8:], 1<<31) },
		"PageZero":  func(page []byte, _ int) { clear(page[8:12]) },
		"OtherKind": func(page []byte, _ int) { page[0] = 0x02 },
		"Cells":     func(page []byte, _ int) { page[3] = 0xff },
		"Offset":    func(page []byte, _ int) { page[12], page[13] = 0xff, 0xff },
		"NoPage":    func(page []byte, _ int) { clear(page) },
	}
	for name, damage := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.db")
			db := dbtest.Open(t, path)
			dbtest.Exec(t, db, "PRAGMA page_size = 1024; CREATE TABLE broken (a); CREATE TABLE sound (a); INSERT INTO sound VALUES (1)")
			dbtest.Exec(t, db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) INSERT INTO broken SELECT hex(i) FROM n")
			db.Close()
			b := readFile(t, path)
			number := slices.IndexFunc(slices.Collect(slices.Chunk(b, 1024)), func(page []byte) bool { return page[0] == 0x05 }) + 1
			damage(b[(number-1)*1024:][:1024], number)
			writeFile(t, path, b)
			image := openImage(t, path, sqlite.Options{})
			checkSame(t, "image", readAll(t, image), b)
			if got, known := image.Rows(); known {
				t.Errorf("got %v, want nothing known", got)
			}
			rows, err := sqlite.CountRows(t.Context(), path)
			if want := []sqlite.TableRows{{Name: "broken", Rows: -1}, {Name: "sound", Rows: 1}}; err != nil || !slices.Equal(rows, want) {
				t.Errorf("live: got %v, %v, want %v", rows, err, want)
			}
		})
	}
}

// lateContext is done after it was asked a number of times.
type lateContext struct {
	context.Context
	left *int
	err  error
}

func (c lateContext) Err() error {
	if *c.left--; *c.left < 0 {
		return c.err
	}
	return nil
}

// TestCountRowsInTime ends the context at every moment. CountRows fails until the tables are known. After that, a
// late context leaves out the last tables.
func TestCountRowsInTime(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	for _, over := range []error{context.DeadlineExceeded, context.Canceled} {
		var outcomes []int // how many tables were counted; -1 for an error
		for n := 0; !slices.Contains(outcomes, 5); n++ {
			left := n
			rows, err := sqlite.CountRows(lateContext{t.Context(), &left, over}, path)
			if err != nil {
				if !errors.Is(err, over) || rows != nil {
					t.Fatalf("got %v, %v, want %v", rows, err, over)
				}
				outcomes = append(outcomes, -1)
				continue
			}
			counted := slices.IndexFunc(append(rows, sqlite.TableRows{Rows: -1}), func(r sqlite.TableRows) bool { return r.Rows < 0 })
			if len(rows) != 5 || slices.ContainsFunc(rows[counted:], func(r sqlite.TableRows) bool { return r.Rows >= 0 }) {
				t.Fatalf("got %v, want five tables, the last ones not counted", rows)
			}
			outcomes = append(outcomes, counted)
		}
		want := []int{-1, 0, 1, 2, 3, 4, 5}
		if over == context.Canceled {
			want = []int{-1, 5}
		}
		if got := slices.Compact(outcomes); !slices.Equal(got, want) {
			t.Errorf("%v: got outcomes %v, want %v", over, got, want)
		}
	}
}

// TestCountRowsBadInput fails as Open does, and leaves everything as it is.
func TestCountRowsBadInput(t *testing.T) {
	t.Parallel()
	for name, input := range badInputs() {
		if input.want == sqlite.ErrBusy {
			continue // counting would wait for the lock
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.db")
			input.prepare(t, path)
			before := folder(t, filepath.Dir(path))
			rows, err := sqlite.CountRows(t.Context(), path)
			if !errors.Is(err, input.want) || !strings.Contains(err.Error(), path) || rows != nil {
				t.Errorf("got %v, %v, want %v, with the path", rows, err, input.want)
			}
			if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
				t.Errorf("folder: got %v, want %v as before", slicesOf(after), slicesOf(before))
			}
		})
	}
}
