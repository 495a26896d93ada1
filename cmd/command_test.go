package cmd_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	"firn/crypt"
	"firn/internal/damage"
	"firn/store/local"
)

// runSQL runs statements, or prints the first column of a query's rows.
func runSQL(path, query string) int {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err == nil {
		defer db.Close()
		err = printRows(db, query)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sql:", err)
		return 1
	}
	return 0
}

func printRows(db *sql.DB, query string) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var value any
		if err := rows.Scan(&value); err != nil {
			return err
		}
		fmt.Println(value)
	}
	return rows.Err()
}

const remembered = "REMEMBERED"

// remember records the content of folders and files: remember PATH...
func remember(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(remembered, strings.Join(args, "\n")+"\n\n"+tree(ts, args))
}

// unchanged fails if anything differs from what remember recorded.
func unchanged(ts *testscript.TestScript, neg bool, _ []string) {
	paths, before, _ := strings.Cut(ts.Getenv(remembered), "\n\n")
	after := tree(ts, strings.Split(paths, "\n"))
	if (before == after) == neg {
		ts.Fatalf("before:\n%safter:\n%s", before, after)
	}
}

// tree lists all files below the paths, with modes and checksums.
func tree(ts *testscript.TestScript, paths []string) string {
	var b strings.Builder
	for _, root := range paths {
		root = ts.MkAbs(root)
		if real, err := filepath.EvalSymlinks(root); err == nil {
			root = real
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if path != root && d.IsDir() && d.Name() == ".cache" { // any command may change the cache
				return filepath.SkipDir
			}
			info, err := d.Info()
			if err != nil || !info.Mode().IsRegular() {
				fmt.Fprintln(&b, path)
				return err
			}
			content, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%s %v %x\n", path, info.Mode(), sha256.Sum256(content))
			return err
		})
		if err != nil {
			fmt.Fprintln(&b, root, "missing")
		}
	}
	return b.String()
}

// lock holds the lock files that a pattern matches until the script ends.
func lock(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(paths) == 0 {
		ts.Fatalf("no lock matches %s", args[0])
	}
	for _, path := range paths {
		l := flock.New(path)
		if ok, err := l.TryLock(); !ok {
			ts.Fatalf("lock %s: %v", path, err)
		}
		ts.Defer(func() { ts.Check(l.Close()) })
	}
}

// hold locks a database exclusively until the script ends. Meanwhile the script must not
// read the file in this process, because closing the file would drop SQLite's lock.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { ts.Check(db.Close()) })
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN EXCLUSIVE")
	ts.Check(err)
}

// connect keeps a database open, as an application does, so that its WAL stays when other
// connections close.
func connect(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { ts.Check(db.Close()) })
	db.SetMaxOpenConns(1)
	_, err = db.Exec("SELECT count(*) FROM sqlite_schema")
	ts.Check(err)
}

// flip changes the byte in the middle of the largest file that a pattern matches.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	var largest string
	var content []byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		ts.Check(err)
		if len(b) > len(content) {
			largest, content = path, b
		}
	}
	if largest == "" {
		ts.Fatalf("no file matches %s", args[0])
	}
	content[len(content)/2] ^= 1
	ts.Check(os.Chmod(largest, 0o600))
	ts.Check(os.WriteFile(largest, content, 0o600))
}

// doDamage damages a repository, and sets $DAMAGED to the names of the damaged objects:
// damage KIND REPOSITORY KEYFILE
func doDamage(ts *testscript.TestScript, _ bool, args []string) {
	key, err := crypt.ParseKeyFile([]byte(ts.ReadFile(args[2])))
	ts.Check(err)
	st, err := local.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer st.Close()
	target, err := damage.Open(context.Background(), st, key.Credential())
	ts.Check(err)
	names, err := target.Do(context.Background(), args[0])
	ts.Check(err)
	ts.Setenv("DAMAGED", strings.Join(names, " "))
}

// id sets a variable to the ID in the n-th row of the last printed table: id NAME ROW
func id(ts *testscript.TestScript, _ bool, args []string) {
	lines := bytes.Split([]byte(ts.ReadFile("stdout")), []byte("\n"))
	var n int
	_, err := fmt.Sscan(args[1], &n)
	ts.Check(err)
	if n >= len(lines) {
		ts.Fatalf("output has %d lines", len(lines))
	}
	fields := bytes.Fields(lines[n])
	if len(fields) == 0 {
		ts.Fatalf("line %d is empty", n)
	}
	ts.Setenv(args[0], string(fields[0]))
}
