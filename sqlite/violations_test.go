package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "", readImage(t, newDB(t, dbtest.Options{WAL: true}), sqlite.Options{}))
	const ten = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n;"
	for name, tt := range map[string]struct {
		sql  string
		want []string
	}{
		"None":       {"SELECT 1 FROM users WHERE id < 0; SELECT 1 WHERE 0", nil},
		"Row":        {"SELECT 17, 'low', -2.5, NULL, x'00ff'", []string{"17|low|-2.5|NULL|x'00ff'"}},
		"Statements": {"SELECT 'a'; SELECT 'b' WHERE 0; -- c\nSELECT 'd', ''", []string{"a", "d|"}},
		"Temporary":  {"CREATE TEMP TABLE s AS SELECT 7 AS a; SELECT a FROM s", []string{"7"}},
		"Control":    {"SELECT char(27) || '[2J', 'é'", []string{`"\x1b[2J"|é`}},
		"NotUTF8":    {"SELECT CAST(x'61ff' AS TEXT)", []string{"a\ufffd"}},
		"Long":       {"SELECT printf('%.*c', 5000, 'x')", []string{strings.Repeat("x", 199) + "…"}},
		"Many":       {ten + ten, strings.Fields("1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10")},
		"TooMany":    {ten + ten + "SELECT 'left out'", append(strings.Fields("1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10"), "and more")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sqlite.Violations(t.Context(), path, tt.sql)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	if names := slicesOf(folder(t, filepath.Dir(path))); len(names) != 1 {
		t.Errorf("files: got %v, want the image alone", names)
	}
}

func TestViolationsRefused(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "", readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{}))
	before := readFile(t, path)
	for name, tt := range map[string]struct{ sql, want string }{
		"Empty":   {" ; -- nothing\n /* at all */ ;", "there is no statement"},
		"Syntax":  {"SELECT 1 WHERE 0; SELEC 1", `SQL "SELEC 1": `},
		"NoTable": {"SELECT a FROM nowhere", "no such table: nowhere"},
		"Write":   {"DELETE FROM users", `SQL "DELETE FROM users": `},
		"Attach":  {"ATTACH '" + filepath.Join(t.TempDir(), "new.db") + "' AS new", "new.db"},
		"Running": {"SELECT abs(-9223372036854775808)", "integer overflow"},
		"Zero":    {"SELECT 1 WHERE 0; \x00 SELECT 1", "zero byte"},
		"Long":    {"SELECT nonesuch" + strings.Repeat(", nonesuch", 50), "…\": no such column"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := sqlite.Violations(t.Context(), path, tt.sql)
			var statement *sqlite.StatementError
			if rows != nil || !errors.As(err, &statement) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v, want a StatementError with %q", rows, err, tt.want)
			}
		})
	}
	if string(readFile(t, path)) != string(before) {
		t.Error("the file was changed")
	}
}

func TestViolationsCannotLook(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var statement *sqlite.StatementError
	if _, err := sqlite.Violations(ctx, path, "SELECT 1"); !errors.Is(err, context.Canceled) || errors.As(err, &statement) {
		t.Errorf("cancelled: got %v", err)
	}
	overwrite(t, path, 100)
	if _, err := sqlite.Violations(t.Context(), path, "SELECT 1 FROM users"); !errors.Is(err, sqlite.ErrCorrupt) || errors.As(err, &statement) {
		t.Errorf("damaged: got %v, want ErrCorrupt", err)
	}
	if _, err := sqlite.Violations(t.Context(), writeFile(t, filepath.Join(t.TempDir(), "text"), []byte("no database")), "SELECT 1 FROM t"); !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("no database: got %v, want ErrNotDatabase", err)
	}
}

// TestViewViolations compares SQL on a view with the same on a file.
func TestViewViolations(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{WAL: true})
	path := writeFile(t, "", image)
	for name, tt := range map[string]struct {
		sql      string
		fileOnly bool
	}{
		"Rows":      {"SELECT id, name FROM users WHERE id < 30; SELECT 'b'", false},
		"None":      {"SELECT 1 FROM users WHERE id < 0", false},
		"Wrong":     {"SELECT 1; SELECT a FROM nowhere", false},
		"Write":     {"DELETE FROM users", false},
		"Temporary": {"CREATE TEMP TABLE s AS SELECT 7 AS a; SELECT a FROM s", true},
		"Setting":   {"PRAGMA case_sensitive_like = 1; SELECT 'a' LIKE 'A'", true},
	} {
		t.Run(name, func(t *testing.T) {
			want, wantErr := sqlite.Violations(t.Context(), path, tt.sql)
			got, err := view(t, image).Violations(tt.sql)
			var statement *sqlite.StatementError
			if refused := errors.As(err, &statement); refused != (tt.fileOnly || wantErr != nil) || !refused && !reflect.DeepEqual(got, want) ||
				tt.fileOnly != (wantErr == nil && errors.Is(err, sqlite.ErrReadOnly)) {
				t.Errorf("got %q, %v, want %q, %v", got, err, want, wantErr)
			}
		})
	}
}

func TestViewViolationsUnreadable(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{})
	r := &brokenAt{ReaderAt: bytes.NewReader(image), off: 8192}
	v := viewOf(t, t.Context(), r, len(image))
	r.broken = true
	if got, err := v.Violations("SELECT sum(length(body)) FROM posts"); got != nil || !errors.Is(err, errBroken) {
		t.Errorf("got %q, %v, want %v", got, err, errBroken)
	}
}
