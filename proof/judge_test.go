package proof_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// judge asks SQLite about an image that is in memory, where SQLite may write.
func judge(t *testing.T, image []byte) (found []string, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	err = conn.Raw(func(c any) error { return c.(interface{ Deserialize([]byte) error }).Deserialize(plain(image)) })
	conn.Close()
	if err != nil {
		return nil, err
	}
	found, err = texts(db, "PRAGMA integrity_check")
	if err != nil && strings.Contains(err.Error(), "SQL logic error") { // for the sake of one table
		found, err = byTable(db)
	}
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(text string) bool { return text == "ok" })
	for table, n := range orphans(db) {
		found = append(found, fmt.Sprintf("%d rows of table %s without a parent", n, table))
	}
	return found, nil
}

// byTable checks the tables that SQLite can check.
func byTable(db *sql.DB) (found []string, err error) {
	tables, err := texts(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		list, err := texts(db, "PRAGMA integrity_check('"+strings.ReplaceAll(t, "'", "''")+"')")
		if err != nil && !strings.Contains(err.Error(), "SQL logic error") {
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// plain returns an image with the header of a rollback journal: a database in memory has no WAL.
func plain(image []byte) []byte {
	image = append([]byte{}, image...)
	for i := 18; i < 20 && i < len(image); i++ {
		if image[i] == 2 {
			image[i] = 1
		}
	}
	return image
}

func texts(db *sql.DB, query string, args ...any) (list []string, err error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return list, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// orphans counts the rows of each table that refer to a missing row of a table that exists. A definition that does not fit
// makes a table one that cannot be checked.
func orphans(db *sql.DB) map[string]int {
	found := map[string]int{}
	tables, _ := texts(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	known := map[string]bool{}
	for _, t := range tables {
		known[strings.ToLower(t)] = true
	}
	for _, t := range tables {
		parents, err := texts(db, "SELECT parent FROM pragma_foreign_key_check(?)", t)
		if err != nil {
			continue
		}
		for _, p := range parents {
			if known[strings.ToLower(p)] {
				found[t]++
			}
		}
	}
	return found
}
