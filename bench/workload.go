package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// workloadArg, as the first argument, makes this program run one action on the database and
// print a number. [bench.run] says why actions run in a process of their own.
const workloadArg = "workload"

// workload runs one action on the database in another process:
//
//	create DATABASE SIZE SEED    makes it; returns its size
//	tick DATABASE SEED N         makes an application's N-th changes
//	pages DATABASE SEED N PAGES  changes one row in each of PAGES pages
//	append DATABASE SEED N ROWS  adds rows to the table that only grows
//	vacuum DATABASE              packs all rows anew
//	count DATABASE               checks it; returns its number of rows
func workload(args ...any) (int64, error) {
	argv := []string{workloadArg}
	for _, a := range args {
		argv = append(argv, fmt.Sprint(a))
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(self, argv...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("run %s: %w\n%s", strings.Join(argv, " "), err, stderr.String())
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// runWorkload is the process that [workload] starts, and with "open" the process of an
// [application].
func runWorkload(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("workload: want an action and a database")
	}
	if args[0] == "open" {
		return serve(args[1], os.Stdin, os.Stdout)
	}
	n, err := numbers(args[2:])
	if err != nil {
		return err
	}
	db, err := open(args[1])
	if err != nil {
		return err
	}
	defer db.Close()
	result, err := act(db, args[0], n)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	fmt.Println(result)
	return db.Close()
}

// numbers parses an action's arguments. Missing arguments are 0.
func numbers(args []string) (n [3]int64, err error) {
	if len(args) > len(n) {
		return n, fmt.Errorf("workload: %d arguments are too many", len(args))
	}
	for i, a := range args {
		if n[i], err = strconv.ParseInt(a, 10, 64); err != nil {
			return n, fmt.Errorf("workload: %w", err)
		}
	}
	return n, nil
}

func open(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)                           // a pragma holds for one connection
	_, err = db.Exec("PRAGMA busy_timeout = 10000") // a daemon that replicates writes, too
	return db, err
}

func act(db *sql.DB, action string, n [3]int64) (result int64, err error) {
	if action == "create" {
		return n[0], create(db, n[0], uint64(n[1]))
	}
	switch a := newApp(db, uint64(n[0]), uint64(n[1])); action {
	case "tick":
		return 0, a.transaction(a.tick)
	case "pages":
		return 0, a.transaction(func() { a.touchPages(n[2]) })
	case "append":
		return 0, a.transaction(func() { a.repeat(int(n[2]), a.addEvent) })
	case "vacuum":
		_, err := db.Exec("VACUUM")
		return 0, err
	case "count":
		return count(db)
	}
	return 0, fmt.Errorf("no such action")
}

// count checks the database and counts the rows of all tables.
func count(db *sql.DB) (int64, error) {
	var verdict string
	if err := db.QueryRow("PRAGMA quick_check").Scan(&verdict); err != nil {
		return 0, err
	}
	if verdict != "ok" {
		return 0, fmt.Errorf("quick_check: %s", verdict)
	}
	var rows int64
	err := db.QueryRow(`SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM posts)
		+ (SELECT count(*) FROM events) + (SELECT count(*) FROM sessions)`).Scan(&rows)
	return rows, err
}

// create fills a database up to a size, and then deletes rows, so that pages have holes.
func create(db *sql.DB, size int64, seed uint64) error {
	if _, err := db.Exec(schema); err != nil {
		return err
	}
	for n := uint64(0); ; n++ {
		a := newApp(db, seed, ^n)
		if err := a.transaction(a.fill); err != nil {
			return err
		}
		var pages int64
		if err := db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		if pages*pageSize >= size {
			break
		}
	}
	_, err := db.Exec("DELETE FROM events WHERE id % 37 = 0; PRAGMA journal_mode = wal")
	return err
}
