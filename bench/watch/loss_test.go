package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCompare tells a state that the application had from one that it never had.
func TestCompare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := makeDatabases(dir, 1); err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(dir, databaseName(0))
	change(t, original, 5, "")
	b, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	change(t, original, 3, "")
	for name, tt := range map[string]struct{ statement, want string }{
		"Earlier":  {"", ""},
		"Torn":     {"DELETE FROM row WHERE seq = 5", "torn"},
		"Hole":     {"DELETE FROM row WHERE seq = 3", "row 4 follows row 2"},
		"Mixed":    {"UPDATE total SET crc = crc - (SELECT crc FROM row WHERE seq = 2); UPDATE row SET body = '', crc = 0 WHERE seq = 2", "others"},
		"Sumless":  {"UPDATE total SET crc = crc + 1", "torn"},
		"TooMuch":  {"DELETE FROM row; UPDATE total SET rows = 0, crc = 0", "0 rows"},
		"NotThere": {"DROP TABLE total", "no such table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := os.WriteFile(copied, b, 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, copied, 0, tt.statement)
			loss, err := compare(original, copied)
			if tt.want == "" && (err != nil || loss <= 0) {
				t.Errorf("got %v, %v, want a loss", loss, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// change makes transactions, and runs a statement.
func change(t *testing.T, path string, transactions int, statement string) {
	t.Helper()
	db, err := openDatabase(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range transactions {
		if err := transact(db, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestByCause(t *testing.T) {
	t.Parallel()
	got := byCause(map[string]float64{`environment="a",database="a",cause="lost"`: 2, `environment="b",database="b",cause="lost"`: 1, `environment="a"`: 9})
	if len(got) != 1 || got["lost"] != 3 {
		t.Errorf("got %v", got)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	w := written{Latencies: nil}
	if got := w.quantile(0.5); got != 0 {
		t.Errorf("of none: got %v", got)
	}
	for i := range 100 {
		w.Latencies = append(w.Latencies, 1+4*time.Duration(i))
	}
	if got, want := w.quantile(0.99), 1+4*time.Duration(99); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
