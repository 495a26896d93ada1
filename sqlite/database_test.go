package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// openDB opens an image with package database/sql.
func openDB(t testing.TB, image []byte) *sql.DB {
	t.Helper()
	db := sqlite.OpenDB(func(context.Context) (io.ReaderAt, int64, error) {
		return bytes.NewReader(image), int64(len(image)), nil
	})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

const people = "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, weight REAL, face BLOB, born TEXT)"

func TestDatabaseTakesParameters(t *testing.T) {
	t.Parallel()
	db := openDB(t, imageOf(t, dbtest.Options{}, people,
		"INSERT INTO person VALUES(1, 'Ada', 61.5, x'0102', '1815-12-10 00:00:00.000'), (2, 'Bob', NULL, x'', NULL)"))
	born := time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		where string
		args  []any
		want  string
	}{
		{"id = ?", []any{2}, "Bob"},
		{"name = ?2 AND id = ?1", []any{1, "Ada"}, "Ada"},
		{"weight > ?", []any{61.25}, "Ada"},
		{"face = ?", []any{[]byte{1, 2}}, "Ada"},
		{"face = ?", []any{[]byte{}}, "Bob"},
		{"weight IS ?", []any{nil}, "Bob"},
		{"(id = 1) = ?", []any{true}, "Ada"},
		{"born = ?", []any{born}, "Ada"},
		{"name = :name", []any{sql.Named("name", "Bob")}, "Bob"},
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), "SELECT name FROM person WHERE "+tt.where, tt.args...).Scan(&got); err != nil || got != tt.want {
			t.Errorf("%s with %v: got %q, %v, want %q", tt.where, tt.args, got, err, tt.want)
		}
	}
	for _, args := range [][]any{{}, {1, 2}, {sql.Named("other", 1)}} {
		if err := db.QueryRowContext(t.Context(), "SELECT name FROM person WHERE id = ?", args...).Scan(new(string)); !errors.Is(err, sqlite.ErrSQL) {
			t.Errorf("values %v for one parameter: got %v, want ErrSQL", args, err)
		}
	}
}

func TestDatabaseOnlyReads(t *testing.T) {
	t.Parallel()
	db := openDB(t, imageOf(t, dbtest.Options{}, people))
	for _, text := range []string{"DELETE FROM person", "CREATE TABLE x(a)", "PRAGMA user_version = 3"} {
		if _, err := db.ExecContext(t.Context(), text); !errors.Is(err, sqlite.ErrReadOnly) {
			t.Errorf("%s: got %v, want ErrReadOnly", text, err)
		}
	}
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	n := -1
	if err := tx.QueryRow("SELECT count(*) FROM person").Scan(&n); err != nil || n != 0 {
		t.Errorf("count in a transaction: got %d, %v, want 0", n, err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}

// TestDatabaseIsForManyGoroutines has each goroutine ask many times, prepared and not.
func TestDatabaseIsForManyGoroutines(t *testing.T) {
	t.Parallel()
	db := openDB(t, imageOf(t, dbtest.Options{}, people, "INSERT INTO person(id, name) VALUES(7, 'Eve')"))
	prepared, err := db.PrepareContext(t.Context(), "SELECT name FROM person WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				var name string
				if err := prepared.QueryRow(7).Scan(&name); err != nil || name != "Eve" {
					t.Errorf("got %q, %v, want Eve", name, err)
				}
			}
		})
	}
	all.Wait()
}

// TestDatabaseQueryEndsWithItsContext cancels a query that would take hours. The next one is answered.
func TestDatabaseQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := openDB(t, imageOf(t, dbtest.Options{}, people))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- db.QueryRowContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n").Scan(new(int))
	}()
	for db.Stats().InUse == 0 { // until the query runs, or is about to
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query: got %v, want context.Canceled", err)
	}
	n := -1
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM person").Scan(&n); err != nil || n != 0 {
		t.Errorf("the next query: got %d, %v, want 0", n, err)
	}
}

func TestDatabaseTellsWhyItCannotBeOpened(t *testing.T) {
	t.Parallel()
	gone := errors.New("the image is gone")
	db := sqlite.OpenDB(func(context.Context) (io.ReaderAt, int64, error) { return nil, 0, gone })
	defer db.Close()
	if err := db.PingContext(t.Context()); !errors.Is(err, gone) {
		t.Errorf("got %v, want the image's error", err)
	}
	if err := openDB(t, []byte("no database, only a text that is long enough for one\n"+string(make([]byte, 512)))).Ping(); !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("got %v, want ErrNotDatabase", err)
	}
}
