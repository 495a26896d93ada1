package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

const (
	largePageSize  = 65536
	largePageCount = 0x40000000/largePageSize + 4
	lockPage       = 0x40000000/largePageSize + 1
)

// The tests of the lock page use a database so large that it has the page that SQLite never uses. Its file has holes
// in place of free pages.

func TestLockPageTwoPasses(t *testing.T) {
	t.Parallel()
	path := largeDB(t, false)
	writePage(t, path, lockPage, 'L')
	writePage(t, path, lockPage+1, 'B')
	checkLarge(t, path, map[int]byte{lockPage + 1: 'B'})
}

func TestLockPageRestore(t *testing.T) {
	t.Parallel()
	live, image := largeDB(t, true), largeDB(t, true)
	writePage(t, image, lockPage, 'L')
	writePage(t, image, lockPage-1, 'A')
	writePage(t, image, lockPage+1, 'B')
	result, err := sqlite.Restore(t.Context(), live, image, sqlite.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Method != sqlite.MethodDelta || result.PagesWritten != 3 {
		t.Errorf("got %+v, want a delta of the two pages and the first", result)
	}
	checkLarge(t, live, map[int]byte{lockPage - 1: 'A', lockPage + 1: 'B'})
}

// largeDB makes a small database in a file that is longer than its pages.
func largeDB(t *testing.T, wal bool) string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads gigabytes")
	}
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{PageSize: largePageSize, Rows: 10, WAL: wal})
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(largePageCount * largePageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(binary.BigEndian.AppendUint32(nil, largePageCount), 28); err != nil {
		t.Fatal(err)
	}
	return path
}

func writePage(t *testing.T, path string, n int64, fill byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{fill}, largePageSize), (n-1)*largePageSize); err != nil {
		t.Fatal(err)
	}
}

// checkLarge reads an image and compares the pages around the lock page, all zeros but for filled.
func checkLarge(t *testing.T, path string, filled map[int]byte) {
	t.Helper()
	image := openImage(t, path, sqlite.Options{})
	page := make([]byte, largePageSize)
	for n := 1; n <= largePageCount; n++ {
		if _, err := io.ReadFull(image, page); err != nil {
			t.Fatalf("page %d: %v", n, err)
		}
		if n < lockPage-1 {
			continue
		}
		if want := bytes.Repeat([]byte{filled[n]}, largePageSize); !bytes.Equal(page, want) {
			t.Errorf("page %d: got %q..., want %q...", n, page[:1], want[:1])
		}
	}
	if _, err := image.Read(page); err != io.EOF {
		t.Errorf("after the last page: got %v, want %v", err, io.EOF)
	}
	if _, known := image.Rows(); !known {
		t.Error("the rows are not known")
	}
	if err := image.Close(); err != nil {
		t.Fatal(err)
	}
}
