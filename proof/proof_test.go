package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"firn/internal/dbtest"
	"firn/proof"
)

func readImage(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func imageOf(b []byte) proof.Image {
	return proof.Image{Reader: bytes.NewReader(b), Size: int64(len(b))}
}

// everywhere says that all of an image may differ.
func everywhere(b []byte) iter.Seq2[int64, int64] {
	return func(yield func(from, to int64) bool) { yield(0, int64(len(b))) }
}

func TestWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
	sound := readImage(t, path)
	damaged := bytes.Clone(sound)
	damaged[len(damaged)-1] ^= 1
	for name, tt := range map[string]struct {
		image []byte
		sound bool
	}{
		"Sound": {sound, true}, "Damaged": {damaged, false}, "Empty": {nil, false}, "NoDatabase": {bytes.Repeat([]byte("x"), 4096), false},
		"Cut": {sound[:len(sound)-1], false},
	} {
		got, err := proof.Rules{}.Whole(t.Context(), imageOf(tt.image))
		if err != nil || (len(got.Problems) == 0) != tt.sound || (got.Err() == nil) != tt.sound {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		got, err = proof.Rules{}.Difference(t.Context(), imageOf(sound), imageOf(tt.image), everywhere(sound))
		if err != nil || (len(got.Problems) == 0) != tt.sound {
			t.Errorf("%s after sound: got %+v, %v", name, got, err)
		}
	}
}

// TestReadErrors has each read of an image fail in its turn. That is an error, and never a problem of the image.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, `CREATE TABLE p (a INTEGER PRIMARY KEY, b); CREATE TABLE c (a CHECK (a > 0) REFERENCES p);
		CREATE INDEX i ON c (a); CREATE INDEX j ON c (a) WHERE a > 1; CREATE VIRTUAL TABLE f USING fts5 (a);
		INSERT INTO p VALUES (1, 'x'), (2, 'y'); INSERT INTO c VALUES (1); INSERT INTO f VALUES ('a')`)
	older := readImage(t, path)
	dbtest.Exec(t, db, "INSERT INTO c VALUES (2); DELETE FROM c WHERE a = 1; DELETE FROM p WHERE a = 1; INSERT INTO f VALUES ('b')")
	later := readImage(t, path)
	for name, look := range map[string]func(r io.ReaderAt) (*proof.Result, error){
		"Whole": func(r io.ReaderAt) (*proof.Result, error) {
			return proof.Rules{}.Whole(t.Context(), proof.Image{Reader: r, Size: int64(len(later))})
		},
		"Later": func(r io.ReaderAt) (*proof.Result, error) {
			return proof.Rules{}.Difference(t.Context(), imageOf(older), proof.Image{Reader: r, Size: int64(len(later))}, differing(older, later))
		},
		"Older": func(r io.ReaderAt) (*proof.Result, error) {
			return proof.DifferenceWithin(t.Context(), proof.Image{Reader: r, Size: int64(len(older))}, imageOf(later), differing(older, later), 0)
		},
	} {
		image := later
		if name == "Older" {
			image = older
		}
		failures := 0
		for n := range int64(10_000) {
			r := &failing{r: bytes.NewReader(image)}
			r.left.Store(n)
			got, err := look(r)
			if err == nil && len(got.Problems) == 0 && got.Undecided == "" && r.left.Load() >= 0 {
				break // no read was the last one
			}
			if failures++; !errors.Is(err, errRead) {
				t.Errorf("%s: read %d: got %+v, %v", name, n, got, err)
			}
		}
		if failures < 5 {
			t.Errorf("%s: got %d failures, want some", name, failures)
		}
	}
}

var errRead = errors.New("the disk is gone")

// failing is an image of which some reads succeed, and one after them fails.
type failing struct {
	r    io.ReaderAt
	left atomic.Int64
}

func (f *failing) ReadAt(b []byte, offset int64) (int, error) {
	if f.left.Add(-1) == -1 {
		return 0, errRead
	}
	return f.r.ReadAt(b, offset)
}

// TestNoForeignKeys checks that rows without a parent are left out where they are no fault, and nothing else.
func TestNoForeignKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p); INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1)")
	older := readImage(t, path)
	dbtest.Exec(t, db, "INSERT INTO c VALUES (7)")
	later := readImage(t, path)
	for rules, want := range map[proof.Rules]int{{}: 1, {NoForeignKeys: true}: 0} {
		whole, err := rules.Whole(t.Context(), imageOf(later))
		if err != nil || len(whole.Problems) != want {
			t.Errorf("%+v: got %+v, %v", rules, whole, err)
		}
		changed, err := rules.Difference(t.Context(), imageOf(older), imageOf(later), everywhere(later))
		if err != nil || len(changed.Problems) != want {
			t.Errorf("%+v by difference: got %+v, %v", rules, changed, err)
		}
		damaged, err := rules.Whole(t.Context(), imageOf(later[:len(later)-1]))
		if err != nil || len(damaged.Problems) == 0 {
			t.Errorf("%+v, cut short: got %+v, %v", rules, damaged, err)
		}
	}
}

// TestManyTables checks changes of tables among thousands, with a foreign key each, and of too many of them at once.
func TestManyTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	var schema, changes strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&schema, "CREATE TABLE t%d(a INTEGER PRIMARY KEY, b REFERENCES t%d); INSERT INTO t%d VALUES (1, 1);", i, (i+1)%1000, i)
		if i%3 == 0 {
			fmt.Fprintf(&changes, "UPDATE t%d SET b = NULL;", i)
		}
	}
	dbtest.Exec(t, db, "BEGIN; "+schema.String()+"COMMIT")
	older := readImage(t, path)
	dbtest.Exec(t, db, "DELETE FROM t7")
	orphan := readImage(t, path)
	dbtest.Exec(t, db, changes.String())
	many := readImage(t, path)
	found, err := proof.Rules{}.Difference(t.Context(), imageOf(older), imageOf(orphan), differing(older, orphan))
	if err != nil || len(found.Problems) != 1 || !strings.Contains(found.Problems[0], "row 1 of table t6 refers to a missing row of table t7") {
		t.Errorf("one table: got %+v, %v", found, err)
	}
	if found, err = (proof.Rules{}.Difference(t.Context(), imageOf(older), imageOf(many), differing(older, many))); err != nil || found.Undecided == "" {
		t.Errorf("many tables: got %+v, %v", found, err)
	}
}
