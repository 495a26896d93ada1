package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// lender is a [sqlite.Partial] that compares and lends an image in chunks that do not align with pages.
type lender struct {
	image []byte
	ends  []int64 // of the chunks
	lent  int64   // bytes
	err   error
}

func newLender(image []byte, r *rand.Rand) *lender {
	l := &lender{image: image}
	for at, size := int64(0), int64(len(image)); at < size; {
		at = min(at+1+r.Int64N(10_000), size)
		l.ends = append(l.ends, at)
	}
	return l
}

func (l *lender) Differing(_ context.Context, live io.Reader, file io.WriterAt) (ranges [][2]int64, err error) {
	now, err := io.ReadAll(live)
	if err != nil || l.err != nil {
		return nil, errors.Join(err, l.err)
	}
	from := int64(0)
	for _, to := range l.ends {
		if int64(len(now)) < to || !bytes.Equal(now[from:to], l.image[from:to]) {
			if _, err := file.WriteAt(l.image[from:to], from); err != nil {
				return nil, err
			}
			l.lent += to - from
			ranges = append(ranges, [2]int64{from, to})
		}
		from = to
	}
	return ranges, nil
}

func (l *lender) Complete(_ context.Context, file io.WriterAt) error {
	l.lent += int64(len(l.image))
	_, err := file.WriteAt(l.image, 0)
	return errors.Join(err, l.err)
}

// file makes an image file with only the first page.
func (l *lender) file(t testing.TB, target string) string {
	t.Helper()
	wrong := bytes.Repeat([]byte{0xee}, len(l.image))
	copy(wrong, l.image[:pageSize(l.image)])
	return writeFile(t, target+".partial", wrong)
}

func (l *lender) restore(t testing.TB, target string) *sqlite.RestoreResult {
	t.Helper()
	result, err := sqlite.Restore(t.Context(), target, l.file(t, target), sqlite.RestoreOptions{Partial: l})
	if err != nil {
		t.Fatal(err)
	}
	checkRestored(t, target, l.image)
	return result
}

// TestRestorePartial restores over random changes, from files that hold only the differences.
func TestRestorePartial(t *testing.T) {
	t.Parallel()
	for n, size := range []int{512, 4096, 65536} {
		for vacuum := range 3 {
			for _, wal := range []bool{false, true} {
				t.Run(fmt.Sprintf("page=%d,vacuum=%d,wal=%v", size, vacuum, wal), func(t *testing.T) {
					t.Parallel()
					r := rand.New(rand.NewPCG(uint64(n*10+vacuum), 1))
					path := newDB(t, dbtest.Options{PageSize: size, WAL: wal, AutoVacuum: vacuum, Rows: 80})
					image := readImage(t, path, sqlite.Options{})
					for range 4 {
						diverge(t, path, r)
						newLender(image, r).restore(t, path)
					}
				})
			}
		}
	}
}

// TestRestorePartialMissing completes the file that becomes the target.
func TestRestorePartialMissing(t *testing.T) {
	t.Parallel()
	image := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	if got := newLender(image, r).restore(t, filepath.Join(t.TempDir(), "new.db")).Method; got != sqlite.MethodFile {
		t.Errorf("method: got %s, want %s", got, sqlite.MethodFile)
	}
	broken := writeFile(t, filepath.Join(t.TempDir(), "broken.db"), []byte("this is no database"))
	l := newLender(image, r)
	o := sqlite.RestoreOptions{Partial: l, KeepAs: broken + ".old"}
	if _, err := sqlite.Restore(t.Context(), broken, l.file(t, broken), o); err != nil {
		t.Fatal(err)
	}
	checkSame(t, "restored database", readFile(t, broken), image)
}

// TestRestorePartialLittle counts the bytes that are lent and written for two changed pages.
func TestRestorePartialLittle(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	image := readImage(t, path, sqlite.Options{})
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 5 WHERE account = 1")
	db.Close()
	l := newLender(image, rand.New(rand.NewPCG(3, 3)))
	if got := l.restore(t, path).PagesWritten; got != 2 {
		t.Errorf("pages written: got %d, want the changed one and the first", got)
	}
	if l.lent > 4*10_000 {
		t.Errorf("got %d bytes lent, want at most two chunks for each page", l.lent)
	}
}

// TestRestorePartialFails leaves the target unchanged when the differing bytes cannot be had.
func TestRestorePartialFails(t *testing.T) {
	t.Parallel()
	for _, vacuum := range []int{0, 1} { // delta, backup
		path := newDB(t, dbtest.Options{AutoVacuum: vacuum})
		l := newLender(readImage(t, path, sqlite.Options{}), rand.New(rand.NewPCG(4, 4)))
		dbtest.Mutate(t, path, 1, 10)
		before := content(t, path)
		l.err = errors.New("no")
		if _, err := sqlite.Restore(t.Context(), path, l.file(t, path), sqlite.RestoreOptions{Partial: l}); !errors.Is(err, l.err) {
			t.Errorf("got %v, want the error of Partial", err)
		}
		checkSame(t, "target", content(t, path), before)
	}
}

// TestRestorePartialLocked checks that a Partial runs after Locked, under the same lock, and not at all if Locked
// fails.
func TestRestorePartialLocked(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	l := newLender(readImage(t, path, sqlite.Options{}), rand.New(rand.NewPCG(5, 5)))
	dbtest.Mutate(t, path, 1, 10)
	before := content(t, path)
	refused := errors.New("no")
	o := sqlite.RestoreOptions{Partial: l, Locked: func() error { return refused }}
	if _, err := sqlite.Restore(t.Context(), path, l.file(t, path), o); !errors.Is(err, refused) || l.lent != 0 {
		t.Errorf("got %v and %d bytes lent, want the error of Locked and none", err, l.lent)
	}
	checkSame(t, "target", content(t, path), before)
	l.err = errors.New("asked before Locked")
	o.Locked = func() error { l.err = nil; return nil }
	if _, err := sqlite.Restore(t.Context(), path, l.file(t, path), o); err != nil {
		t.Fatal(err)
	}
	checkRestored(t, path, l.image)
}
