// Package sqldump writes a database as a script of SQL that makes it anew.
//
// Nothing in the database is trusted. No view, trigger or expression of it is evaluated, no virtual table is connected
// to, and the script has no more statements than the schema has entries.
package sqldump

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"

	"firn/sqlite/internal/capi"
)

// maxStatement is the length of the longest statement that SQLite reads (SQLITE_MAX_SQL_LENGTH).
const maxStatement = 1_000_000_000

// ErrCollation is returned for a table that SQLite cannot read without a collation of the application.
var ErrCollation = errors.New("only the application has this collation")

// Write writes the main database of a connection, which must not change meanwhile, as a script. It takes from the
// connection everything that a hostile schema could run or ask, virtual tables above all: afterwards the connection
// is of no other use.
//
// If the database cannot be read, or the connection's context is done, the script says so and ends with ROLLBACK; damage
// of one table keeps no other table from being written. Errors of w are returned as they are. Other errors say what could
// not be read.
func Write(c *capi.Conn, w io.Writer) error {
	d := &dump{conn: c, out: bufio.NewWriterSize(w, 64<<10), limit: maxStatement}
	if err := d.script(); err != nil {
		d.failed = append(d.failed, err)
	}
	if len(d.failed) > 0 {
		d.giveUp()
	}
	if err := d.out.Flush(); err != nil {
		return err // earlier errors are of no interest to a closed pipe
	}
	return errors.Join(d.failed...)
}

// dump writes the script.
type dump struct {
	conn     *capi.Conn
	out      *bufio.Writer // keeps its first error
	length   int           // of the statement that is being written
	limit    int           // the greatest length of a statement
	encoding string        // of the database's text: "UTF-8", "UTF-16le" or "UTF-16be"
	writable bool          // the script has set writable_schema
	unused   string        // a name that no entry of the schema has
	unparsed error         // a definition that SQLite passes over
	stale    bool          // indexes must be made anew at the end
	failed   []error       // tables that could not be read to the end
}

// entry is an object of the schema.
type entry struct {
	kind, name, table string
	sql               string // as stored, up to the first zero byte, where SQLite stops to read
}

// script writes everything, and returns the error that ended it. Errors of single tables are in d.failed.
func (d *dump) script() error {
	d.unparsed = d.conn.PassUnparsed() // not refused yet
	if err := errors.Join(d.conn.DisableSchema(), d.conn.DistrustSchema()); err != nil {
		return err
	}
	if err := d.head(); err != nil {
		return err
	}
	schema, err := d.schema()
	if err != nil {
		return err
	}
	d.unused = unusedName(schema)
	if err := d.tables(schema); err != nil {
		return err
	}
	for _, kind := range []string{"index", "view", "trigger"} {
		for _, e := range schema {
			if e.kind != kind {
				continue
			}
			if err := d.create(e.sql); err != nil {
				return err
			}
		}
	}
	if len(d.failed) > 0 {
		return nil
	}
	if err := d.mend(schema); err != nil {
		return err
	}
	return d.tail()
}

// head begins the script. The first pragmas have an effect only in a database without content. Rows are older than
// some constraints, so the script must insert them without checks.
func (d *dump) head() (err error) {
	if d.encoding, err = d.conn.Text("PRAGMA encoding"); err != nil {
		return err
	}
	d.line("PRAGMA foreign_keys=OFF;")
	d.line("PRAGMA ignore_check_constraints=ON;")
	d.line("PRAGMA encoding='", d.encoding, "';")
	for _, name := range []string{"page_size", "auto_vacuum"} {
		if err := d.pragma(name); err != nil {
			return err
		}
	}
	return d.line("BEGIN TRANSACTION;")
}

// tail ends the script. It sets even a version of 0: without any write there would be no database.
func (d *dump) tail() error {
	for _, name := range []string{"user_version", "application_id"} {
		if err := d.pragma(name); err != nil {
			return err
		}
	}
	d.line("COMMIT;")
	return errors.Join(d.undo(), d.reindex())
}

// undo sets back the options that would trouble later statements on the connection that loads the script. RESET makes
// the connection read the schema again, so that it finds the virtual tables.
func (d *dump) undo() error {
	if d.writable {
		d.line("PRAGMA writable_schema=RESET;")
	}
	return d.line("PRAGMA ignore_check_constraints=OFF;")
}

// giveUp ends the script so that it is not taken for a complete one. Errors may quote words of the database: their
// own quotes keep these words from ending the comment.
func (d *dump) giveUp() {
	for _, err := range d.failed {
		d.line("/**** ERROR: ", strings.ReplaceAll(strconv.Quote(err.Error()), "*/", "* /"), " *****/")
	}
	d.line("ROLLBACK; -- due to errors")
	d.undo()
}

// pragma sets a number.
func (d *dump) pragma(name string) error {
	n, err := d.conn.Number("PRAGMA " + name)
	if err != nil {
		return err
	}
	return d.line("PRAGMA ", name, "=", strconv.FormatInt(n, 10), ";")
}

// line writes a line. Its error is that of any write so far.
func (d *dump) line(parts ...string) (err error) {
	for _, part := range parts {
		d.out.WriteString(part)
	}
	return d.out.WriteByte('\n')
}

// schema returns the entries that have a definition, in the order in which they were made. Another table can take the
// name of sqlite_schema, but not that of sqlite_master.
func (d *dump) schema() (entries []entry, err error) {
	const query = "SELECT type, name, tbl_name, sql FROM main.sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
	err = d.conn.Rows(query, func(s *capi.Stmt) {
		e := entry{kind: s.Text(0)}
		for i, field := range []*string{&e.name, &e.table, &e.sql} {
			*field, _, _ = strings.Cut(s.Text(int32(1+i)), "\x00")
		}
		entries = append(entries, e)
	})
	return entries, err
}

// create writes the statement that makes an entry.
func (d *dump) create(sql string) error {
	statement, err := statementOf(sql)
	if err != nil {
		return err
	}
	return d.line(statement)
}
