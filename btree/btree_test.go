package btree_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"firn/btree"
	"firn/internal/dbtest"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}

// newDB makes a database by SQL and returns its bytes.
func newDB(t testing.TB, sql ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	for _, query := range sql {
		dbtest.Exec(t, db, query)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(b []byte) (*btree.File, error) {
	return btree.Open(bytes.NewReader(b), int64(len(b)))
}

// TestValues reads values of each kind in each encoding.
func TestValues(t *testing.T) {
	t.Parallel()
	want := []any{nil, int64(0), int64(1), int64(-1), int64(-300), int64(70000), int64(-1 << 40), int64(1<<63 - 1),
		0.5, "", "aé€𝄞", []byte{}, []byte{0, 255}}
	for _, e := range []btree.Encoding{btree.UTF8, btree.UTF16LE, btree.UTF16BE} {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			b := newDB(t, fmt.Sprintf("PRAGMA encoding = '%s'; PRAGMA user_version = -7; PRAGMA application_id = 9", e),
				`CREATE TABLE "tä" (a, b, c, d, e, f, g, h, i, j, k, l, m)`,
				`INSERT INTO "tä" VALUES (NULL, 0, 1, -1, -300, 70000, -1099511627776, 9223372036854775807, 0.5, '', 'aé€𝄞', x'', x'00ff')`)
			f, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			if f.Encoding != e || f.UserVersion != -7 || f.ApplicationID != 9 || f.PageSize != 4096 || f.PageCount != 2 {
				t.Errorf("header: got %+v", f.Header)
			}
			if got := onlyRow(t, f, "tä"); !reflect.DeepEqual(got, want) {
				t.Errorf("row: got %#v, want %#v", got, want)
			}
		})
	}
}

// onlyRow returns the row of a table that has one.
func onlyRow(t *testing.T, f *btree.File, table string) (values []any) {
	t.Helper()
	root := tablesOf(t, f)[table].Root
	empty, err := open(newDB(t, "CREATE TABLE t (a)"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := btree.NewPair(empty, f, cover(nil, make([]byte, 1), 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range p.Rows(0, root, 0, btree.RowOptions{}) {
		if err != nil || values != nil {
			t.Fatalf("rows: got more than one, or %v", err)
		}
		if values, err = c.After.Values(); err != nil {
			t.Fatal(err)
		}
	}
	return values
}

// TestDecodeMalformed decodes records that promise more bytes than they have.
func TestDecodeMalformed(t *testing.T) {
	t.Parallel()
	for name, record := range map[string][]byte{
		"Empty": {}, "NoHeader": {0}, "HeaderLonger": {9, 1}, "TypeCutOff": {2, 0x80}, "ValueCutOff": {2, 6, 1},
		"TextCutOff": {3, 0x90, 0, 1}, "Reserved": {2, 10}, "Huge": {10, 255, 255, 255, 255, 255, 255, 255, 255, 254},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := btree.Decode(record, btree.UTF8); !errors.Is(err, btree.ErrFormat) {
				t.Errorf("got %v and %v, want %v", got, err, btree.ErrFormat)
			}
		})
	}
}

// TestMalformed breaks a database in ways that would send a careless reader astray.
func TestMalformed(t *testing.T) {
	t.Parallel()
	const size = 512
	sound := newDB(t, "PRAGMA page_size = 512",
		"CREATE TABLE t (a)", "CREATE TABLE gone (a)", "INSERT INTO gone VALUES (zeroblob(9000))",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 90) INSERT INTO t SELECT zeroblob(40) FROM n",
		"INSERT INTO t VALUES (zeroblob(3000))", "DROP TABLE gone")
	root := sound[size:] // of t, on page 2: a page above leaves
	trunk := binary.BigEndian.Uint32(sound[32:])
	for _, tt := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"Empty", func(b []byte) []byte { return nil }},
		{"NotDatabase", func(b []byte) []byte { b[3] = 'x'; return b }},
		{"PageSize", func(b []byte) []byte { b[16] = 3; return b }},
		{"AllReserved", func(b []byte) []byte { b[20] = 255; return b }},
		{"CutOff", func(b []byte) []byte { return b[:len(b)-7] }},
		{"CutOffAtPage", func(b []byte) []byte { return b[:3*size] }},
		{"RootIsItsChild", func(b []byte) []byte { binary.BigEndian.PutUint32(b[size+8:], 2); return b }},
		{"FirstChildIsRoot", func(b []byte) []byte {
			cell := int(binary.BigEndian.Uint16(root[12:]))
			binary.BigEndian.PutUint32(b[size+cell:], 2)
			return b
		}},
		{"CellOutside", func(b []byte) []byte { binary.BigEndian.PutUint16(b[size+12:], 511); return b }},
		{"ManyCells", func(b []byte) []byte { binary.BigEndian.PutUint16(b[size+3:], 60000); return b }},
		{"NoPage", func(b []byte) []byte { clear(b[size : size+9]); return b }},
		{"FreelistCycle", func(b []byte) []byte { binary.BigEndian.PutUint32(b[(trunk-1)*size:], trunk); return b }},
		{"FreelistLong", func(b []byte) []byte { binary.BigEndian.PutUint32(b[(trunk-1)*size+4:], 1<<30); return b }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := readAll(sound, tt.damage(bytes.Clone(sound))); !errors.Is(err, btree.ErrFormat) {
				t.Errorf("got %v, want %v", err, btree.ErrFormat)
			}
		})
	}
	if _, err := readAll(sound, sound); err != nil {
		t.Errorf("sound: got %v", err)
	}
}

// TestClaims has every row claim far more bytes than it has, with overflow pages that lead to
// themselves, and many tables claim one tree. Reading must take no longer than the database is
// long.
func TestClaims(t *testing.T) {
	t.Parallel()
	const size = 512
	sound := newDB(t, "PRAGMA page_size = 512", "CREATE TABLE t (a)",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40) INSERT INTO t SELECT zeroblob(3000) FROM n")
	// Payloads of 3003 bytes; 26 pages more leave the cells as they are.
	claiming := bytes.ReplaceAll(sound, []byte{0x97, 0x3b}, []byte{0xfe, 0x53})
	for n := size; n < len(claiming); n += size {
		if claiming[n] == 0 { // an overflow page
			binary.BigEndian.PutUint32(claiming[n:], uint32(n/size)+1)
		}
	}
	twice := newDB(t, "CREATE TABLE t (a)", "CREATE TABLE u (a)", "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2")
	for name, pair := range map[string][2][]byte{
		"Chains": {claiming, claiming}, "ChainsChanged": {sound, claiming}, "Roots": {sound, twice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readAll(pair[0], pair[1]); !errors.Is(err, btree.ErrFormat) {
				t.Errorf("got %v, want %v", err, btree.ErrFormat)
			}
		})
	}
}

// readAll compares two databases, and reads all rows of b: each tree as a table, and as a table
// WITHOUT ROWID, to which an index is similar. An error in one tree, for a tree that is not of that
// kind, does not keep it from the other trees. It returns the first error, and how many rows of
// trees without rowids it has read.
func readAll(bytesA, bytesB []byte) (keyed int, err error) {
	a, err := open(bytesA)
	if err != nil {
		return 0, err
	}
	b, err := open(bytesB)
	if err != nil {
		return 0, err
	}
	objects, err := b.Schema()
	if err != nil {
		return 0, err
	}
	p, err := btree.NewPair(a, b, cover(bytesA, bytesB, 1000))
	if err != nil {
		return 0, err
	}
	var first error
	for _, o := range objects {
		for key := range 2 {
			for _, root := range []uint32{0, o.Root} {
				n, err := readTable(p, root, o.Root, key)
				if err != nil && !errors.Is(err, btree.ErrFormat) {
					return keyed, err
				}
				if err != nil && key == 0 && first == nil {
					first = err
				}
				keyed += n * key
			}
		}
	}
	return keyed, first
}

func readTable(p *btree.Pair, a, b uint32, key int) (rows int, err error) {
	for c, err := range p.Rows(a, b, key, btree.RowOptions{}) {
		if err != nil {
			return rows, err
		}
		rows++
		for _, row := range []*btree.Row{c.Before, c.After} {
			if row == nil {
				continue
			}
			if _, err := row.Values(); err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// fuzzSeeds are databases with tables of both kinds, and an index between them.
func fuzzSeeds(t testing.TB) (seeds [][]byte) {
	t.Helper()
	for _, vacuum := range []int{0, 1} {
		seeds = append(seeds, newDB(t, fmt.Sprintf("PRAGMA page_size = 512; PRAGMA auto_vacuum = %d", vacuum),
			"CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t (a)",
			"CREATE TABLE k (a, b, PRIMARY KEY (a)) WITHOUT ROWID",
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) INSERT INTO t SELECT i, 'text', i * 0.5 FROM n",
			"INSERT INTO k SELECT id, hex(zeroblob(id * 30)) FROM t", "DELETE FROM t WHERE id % 3 = 0", "DELETE FROM k WHERE a > 15"))
	}
	return seeds
}

// TestFuzzSeeds checks that a run from the seeds reads the table WITHOUT ROWID. Its 15 rows are
// read twice, like the 14 of the index.
func TestFuzzSeeds(t *testing.T) {
	t.Parallel()
	for _, seed := range fuzzSeeds(t) {
		if keyed, _ := readAll(seed, seed); keyed < 15+14 {
			t.Errorf("%d rows without a rowid were read, want those of the table and of the index", keyed)
		}
	}
}

// FuzzPair compares a sound database with arbitrary bytes.
func FuzzPair(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	sound := newDB(f, "PRAGMA page_size = 512", "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", "INSERT INTO t VALUES (1, 2, 3)")
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, a := range [][]byte{sound, b} {
			if _, err := readAll(a, b); err != nil && !errors.Is(err, btree.ErrFormat) {
				t.Errorf("got %v, want %v", err, btree.ErrFormat)
			}
		}
	})
}

// countingReader counts the bytes that are read.
type countingReader struct {
	io.ReaderAt
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.n += int64(len(p))
	return c.ReaderAt.ReadAt(p, off)
}

// TestReadsWhatDiffers changes a few rows of a large database, some of them only in overflow pages,
// and counts the bytes that are read.
func TestReadsWhatDiffers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{Rows: 20_000})
	a := readFile(t, path)
	dbtest.Mutate(t, path, 5, 40)
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "UPDATE posts SET body = substr(body, 1, length(body) - 4) || 'tail' WHERE id = (SELECT min(id) FROM posts WHERE id > 9000 AND length(body) > 9000)")
	db.Close()
	b := readFile(t, path)

	readers := [2]*countingReader{{ReaderAt: bytes.NewReader(a)}, {ReaderAt: bytes.NewReader(b)}}
	fileA, err := btree.Open(readers[0], int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	fileB, err := btree.Open(readers[1], int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := btree.NewPair(fileA, fileB, cover(a, b, 4096))
	if err != nil {
		t.Fatal(err)
	}
	tables, rows := tablesOf(t, fileB), 0
	for name, key := range map[string]int{"users": 0, "posts": 0, "ledger_a": 0, "sessions": 1} {
		for _, err := range p.Rows(tables[name].Root, tables[name].Root, key, btree.RowOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
	}
	if read := readers[0].n + readers[1].n; rows < 20 || read > int64(len(a))/6 {
		t.Errorf("read %d bytes for %d rows that differ, of databases of %d", read, rows, len(a))
	}
}

// TestUnlikePages compares databases with other page sizes and encodings. All of them is read, and
// rows with equal values are the same.
func TestUnlikePages(t *testing.T) {
	t.Parallel()
	make := func(pragma string) string {
		path := filepath.Join(t.TempDir(), "app.db")
		db := dbtest.Open(t, path)
		defer db.Close()
		dbtest.Exec(t, db, pragma+";"+schema)
		dbtest.Exec(t, db, "INSERT INTO plain VALUES (1, 2, 'three', hex(zeroblob(3000)), 5), (2, 2, '', hex(zeroblob(100)), 5)")
		dbtest.Exec(t, db, "INSERT INTO keyed VALUES ('a', 1, hex(zeroblob(3000)), 0.5), ('b', 1, NULL, NULL)")
		return path
	}
	paths := []string{make("PRAGMA page_size = 512"), make("PRAGMA page_size = 65536"), make("PRAGMA encoding = 'UTF-16'")}
	db := dbtest.Open(t, paths[1])
	dbtest.Exec(t, db, "UPDATE plain SET a = 3 WHERE id = 1; DELETE FROM keyed WHERE a = 'b'")
	db.Close()
	for _, a := range paths {
		for _, b := range paths {
			comparePaths(t, rand.New(rand.NewPCG(1, 1)), a, b)
		}
	}
}

// TestUnlikeEncodings compares keys that each encoding sorts in another order.
func TestUnlikeEncodings(t *testing.T) {
	t.Parallel()
	make := func(e btree.Encoding, values string) string {
		path := filepath.Join(t.TempDir(), "app.db")
		db := dbtest.Open(t, path)
		defer db.Close()
		dbtest.Exec(t, db, fmt.Sprintf("PRAGMA encoding = '%s'", e))
		dbtest.Exec(t, db, "CREATE TABLE t (k TEXT PRIMARY KEY, n) WITHOUT ROWID; INSERT INTO t VALUES "+values)
		return path
	}
	encodings := []btree.Encoding{btree.UTF8, btree.UTF16LE, btree.UTF16BE}
	for _, a := range encodings {
		for _, b := range encodings {
			pathA := make(a, "('é', 1), ('Ā', 2), ('z', 3), ('ab', 4), ('ā', 5), ('€', 6), ('𝄞', 7)")
			pathB := make(b, "('é', 1), ('Ā', 2), ('z', 0), ('ab', 4), ('ā', 5), ('＿', 6), ('𝄞', 7)")
			comparePaths(t, rand.New(rand.NewPCG(1, 1)), pathA, pathB)
			comparePaths(t, rand.New(rand.NewPCG(1, 1)), pathB, pathA)
		}
	}
}
