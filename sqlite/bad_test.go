package sqlite_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// badInput is a path at which there is no database to be read.
type badInput struct {
	want    error
	prepare func(t *testing.T, path string)
}

func badInputs() map[string]badInput {
	write := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) { writeFile(t, path, b) }
	}
	return map[string]badInput{
		"Missing":   {fs.ErrNotExist, func(*testing.T, string) {}},
		"Directory": {sqlite.ErrNotFile, makeDir},
		"Empty":     {sqlite.ErrEmpty, write(nil)},
		"EmptyWithWAL": {sqlite.ErrEmpty, func(t *testing.T, path string) {
			writeFile(t, path, nil)
			writeFile(t, path+"-wal", []byte("the last changes of a lost database"))
		}},
		"OneByte":   {sqlite.ErrNotDatabase, write([]byte("x"))},
		"Text":      {sqlite.ErrNotDatabase, write(bytes.Repeat([]byte("text\n"), 2000))},
		"Encrypted": {sqlite.ErrNotDatabase, write(bytes.Repeat([]byte{0x9c, 0x11, 0xe7}, 4096))},
		"Header":    {sqlite.ErrCorrupt, write(append([]byte("SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20"), make([]byte, 4072)...))},
		"Cut":       {sqlite.ErrCorrupt, cut},
		"Schema":    {sqlite.ErrCorrupt, breakSchema},
		"Dangling":  {fs.ErrNotExist, func(t *testing.T, path string) { symlink(t, path+".gone", path) }},
		"Exclusive": {sqlite.ErrBusy, exclusive("PRAGMA locking_mode = EXCLUSIVE; UPDATE ledger_a SET amount = 1", false)},
		"ExclusiveWAL": {sqlite.ErrBusy,
			exclusive("PRAGMA locking_mode = EXCLUSIVE; UPDATE ledger_a SET amount = 1", true)},
		"LongWriter": {sqlite.ErrBusy, exclusive("BEGIN EXCLUSIVE", false)},
	}
}

func makeDir(t *testing.T, path string) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	if err := os.Symlink(to, path); err != nil {
		t.Skip(err)
	}
}

// cut removes the second half of a database.
func cut(t *testing.T, path string) {
	dbtest.Create(t, path, dbtest.Options{})
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
}

// breakSchema overwrites page 1 but for the header.
func breakSchema(t *testing.T, path string) {
	dbtest.Create(t, path, dbtest.Options{})
	b := readFile(t, path)
	copy(b[100:4096], bytes.Repeat([]byte{0xff}, 4096))
	writeFile(t, path, b)
}

// exclusive leaves a connection open that holds a lock.
func exclusive(query string, wal bool) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		dbtest.Create(t, path, dbtest.Options{WAL: wal})
		db := dbtest.Open(t, path)
		t.Cleanup(func() { db.Close() })
		dbtest.Exec(t, db, query)
	}
}

func TestOpenBadInput(t *testing.T) {
	t.Parallel()
	for name, input := range badInputs() {
		for _, compact := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "app.db")
				input.prepare(t, path)
				before := folder(t, filepath.Dir(path))
				image, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: time.Millisecond, Compact: compact})
				if err == nil {
					_, err = io.ReadAll(image)
					image.Close()
				}
				if !errors.Is(err, input.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v, want %v, with the path", err, input.want)
				}
				if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
					t.Errorf("folder: got %v, want %v as before", slicesOf(after), slicesOf(before))
				}
			})
		}
	}
}

func TestRestoreBadTarget(t *testing.T) {
	t.Parallel()
	image := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	inputs := badInputs()
	delete(inputs, "Missing") // the restore makes it
	delete(inputs, "Empty")   // the restore fills it
	delete(inputs, "Cut")     // the restore mends it: SQLite needs only the number of pages
	inputs["Dangling"] = badInput{sqlite.ErrNotFile, inputs["Dangling"].prepare}
	inputs["EmptyWithWAL"] = badInput{sqlite.ErrSidecar, inputs["EmptyWithWAL"].prepare}
	for name, input := range inputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.db")
			input.prepare(t, path)
			before := folder(t, filepath.Dir(path))
			_, err := tryRestore(t, path, image, sqlite.RestoreOptions{BusyTimeout: time.Millisecond})
			if !errors.Is(err, input.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %v, with the path", err, input.want)
			}
			if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
				t.Errorf("folder: got %v, want %v as before", slicesOf(after), slicesOf(before))
			}
		})
	}
}
