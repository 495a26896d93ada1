package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestScan reads images twice, in each way in which databases are read: first all pages, then every third one.
func TestScan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wal     bool
		options sqlite.Options
	}{{wal: true}, {}, {options: sqlite.Options{Compact: true}}, {wal: true, options: sqlite.Options{Compact: true}}} {
		t.Run(fmt.Sprintf("wal=%t,compact=%t", tt.wal, tt.options.Compact), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.db")
			dbtest.Create(t, path, dbtest.Options{WAL: tt.wal})
			tt.options.TempDir = t.TempDir()
			app := dbtest.Open(t, path)
			defer app.Close()
			dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount + 1; UPDATE ledger_b SET amount = amount + 1")
			want := readWith(t, path, tt.options)

			i, err := sqlite.Open(t.Context(), path, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			var scanned []byte
			if err := i.Scan(func(page []byte) error { scanned = append(scanned, page...); return nil }); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(scanned, want) {
				t.Error("the scan has other bytes than a reading")
			}
			if rows, known := i.Rows(); !known || len(rows) == 0 {
				t.Errorf("rows: got %v, %t", rows, known)
			}
			if !tt.wal && i.Live() {
				t.Error("the database is still locked after the scan")
			}
			dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount + 1; UPDATE ledger_b SET amount = amount + 1")
			size := int64(i.Info().PageSize)
			page := make([]byte, size)
			for at := int64(0); at < i.Info().Size; at += size {
				if at/size%3 != 0 {
					if err := i.Skip(size); err != nil {
						t.Fatal(err)
					}
					continue
				}
				if _, err := io.ReadFull(i, page); err != nil || !bytes.Equal(page, want[at:at+size]) {
					t.Fatalf("page at %d: %v, or other bytes than in the scan", at, err)
				}
			}
			if n, err := i.Read(page); n != 0 || err != io.EOF {
				t.Errorf("after the last page: got %d, %v, want io.EOF", n, err)
			}
		})
	}
}

// readWith returns the bytes of an image that is opened with some options.
func readWith(t *testing.T, path string, o sqlite.Options) []byte {
	t.Helper()
	i, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	b, err := io.ReadAll(i)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestScanStopped has the observer end the scan. The image is of no use then, and nothing is left.
func TestScanStopped(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "app.db")
		dbtest.Create(t, path, dbtest.Options{WAL: wal})
		i, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		stop := os.ErrDeadlineExceeded
		if err := i.Scan(func([]byte) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v, want %v", err, stop)
		}
		if _, err := i.Read(make([]byte, 10)); !errors.Is(err, stop) {
			t.Errorf("read after it: got %v, want %v", err, stop)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	}
}
