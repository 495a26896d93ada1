package check_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"firn/btree/check"
)

// judge asks SQLite.
type judge struct {
	t  *testing.T
	db *sql.DB
}

func newJudge(t *testing.T) *judge { return &judge{t: t} }

func (j *judge) close() {
	if j.db != nil {
		j.db.Close()
		j.db = nil
	}
}

// verdict is what SQLite says about an image.
type verdict struct {
	refused error    // the schema cannot be loaded
	broken  error    // the check ended with an error
	found   []string // findings of integrity_check
}

func (v verdict) ok() bool { return v.refused == nil && v.broken == nil && len(v.found) == 0 }

func (v verdict) String() string {
	return fmt.Sprintf("refused %v, broken %v, found %q", v.refused, v.broken, v.found[:min(len(v.found), 5)])
}

// load opens an image. A connection keeps the text encoding of its first database, so each image gets its own.
func (j *judge) load(image []byte) error {
	j.close()
	var err error
	if j.db, err = sql.Open("sqlite", ":memory:"); err != nil {
		return err
	}
	j.db.SetMaxOpenConns(1)
	conn, err := j.db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		return c.(interface{ Deserialize([]byte) error }).Deserialize(image)
	})
}

func (j *judge) look(image []byte) (v verdict) {
	if v.refused = j.load(image); v.refused != nil {
		return v
	}
	if _, v.refused = j.rows("SELECT count(*) FROM sqlite_schema WHERE rowid < 0"); v.refused == nil {
		v.found, v.broken = j.rows("PRAGMA integrity_check")
		if len(v.found) == 1 && v.found[0] == "ok" {
			v.found = nil
		}
	}
	if v.broken != nil && strings.Contains(v.broken.Error(), "no such collation") {
		v.refused = v.broken // SQLite cannot look at anything
	}
	return v
}

func (j *judge) rows(query string) (list []string, err error) {
	rows, err := j.db.Query(query)
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

// missed returns what SQLite finds in an image though the result has no findings, but for what is left to SQLite.
func (j *judge) missed(v verdict, r *check.Result) (list []string) {
	for _, text := range v.found {
		if strings.HasPrefix(text, "In RTree ") && left(r, text) {
			continue // it has several lines
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "*** in database") && !left(r, line) {
				list = append(list, line)
			}
		}
	}
	if v.broken == nil {
		return list
	}
	if len(r.Left) == 0 {
		return append(list, v.broken.Error())
	}
	tables, err := j.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	if err != nil {
		return append(list, err.Error())
	}
	for _, name := range append(tables, "sqlite_schema") {
		found, err := j.rows(fmt.Sprintf("PRAGMA integrity_check(%q)", name))
		for _, text := range found {
			if text != "ok" && !left(r, text) {
				list = append(list, name+": "+text)
			}
		}
		if err != nil && !(mentioned(r, name) && strings.Contains(err.Error(), "SQL logic error")) {
			list = append(list, name+": "+err.Error())
		}
	}
	return list
}

// mentioned reports whether a part of a table is left. SQLite may lack a function that its definition names.
func mentioned(r *check.Result, table string) bool {
	for _, l := range r.Left {
		if l.Table == table {
			return true
		}
	}
	return false
}

// left reports whether a finding of SQLite is about something that is left.
func left(r *check.Result, line string) bool {
	for _, l := range r.Left {
		switch {
		case l.Index != "":
			if strings.HasSuffix(line, " index "+l.Index) || strings.HasPrefix(line, "index "+l.Index+" stores") {
				return true
			}
		case strings.Contains(l.Why, "CHECK"):
			if line == "CHECK constraint failed in "+l.Table {
				return true
			}
		case strings.Contains(l.Why, "virtual table"):
			if strings.Contains(line, "main."+l.Table) || strings.Contains(line, "fts5") || strings.Contains(line, "FTS5") || strings.Contains(line, "RTree") {
				return true
			}
		case strings.Contains(l.Why, "collation"):
			if line == "row not in PRIMARY KEY order for "+l.Table {
				return true
			}
		case strings.Contains(l.Why, "column"):
			if strings.Contains(line, " value in "+l.Table+".") {
				return true
			}
		case strings.Contains(l.Why, "not understood"):
			if strings.HasSuffix(line, " "+l.Table) || strings.Contains(line, " "+l.Table+".") || strings.Contains(line, " index ") {
				return true
			}
		}
	}
	return false
}
