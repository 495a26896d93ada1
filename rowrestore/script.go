package rowrestore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"firn/diff"
	"firn/outcome"
	"firn/sqlite/rowsync"
)

// WriteScript writes the statements of the plan as a script for sqlite3, with all values as literals. It changes nothing.
func (p *Plan) WriteScript(w io.Writer) error {
	if err := p.checkLiterals(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "-- Rows of snapshot %s. Run it with sqlite3 -bail: an error must end it before COMMIT.\n", p.Snapshot.ID.Short())
	if p.hasTriggers() {
		fmt.Fprintln(out, "-- The database has triggers, which run. In sqlite3, .dbconfig enable_trigger off keeps them from that.")
	}
	fmt.Fprintln(out, "PRAGMA foreign_keys = ON;")
	fmt.Fprintln(out, "BEGIN IMMEDIATE;")
	fmt.Fprintln(out, "PRAGMA defer_foreign_keys = ON;")
	for _, s := range p.Rows.Statements {
		if _, err := fmt.Fprintln(out, s.Text(literal)+";"); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "COMMIT;")
	return out.Flush()
}

// hasTriggers reports whether a table of the plan has triggers.
func (p *Plan) hasTriggers() bool {
	return slices.ContainsFunc(p.Rows.Tables, func(t *rowsync.TablePlan) bool { return len(t.Triggers) > 0 })
}

func literal(v any) string { return diff.Literal(v, 0) }

// checkLiterals refuses texts that have no literal in a database with texts in UTF-16: there, a blob that is cast to a text is
// read as UTF-16.
func (p *Plan) checkLiterals() error {
	if p.Rows.Encoding == "UTF-8" {
		return nil
	}
	for _, s := range p.Rows.Statements {
		cast := false
		s.Text(func(v any) string {
			if _, isText := v.(string); isText {
				cast = cast || strings.HasPrefix(literal(v), "CAST(")
			}
			return ""
		})
		if cast {
			return outcome.Failed("Restore the rows without --emit.", "the database has texts in %s, and a text of the snapshot cannot be written as SQL for it", p.Rows.Encoding)
		}
	}
	return nil
}

// ErrCut is returned by [Plan.Script] beside the first part of a script that is longer.
var ErrCut = errors.New("the script is longer")

// Script returns the script of [Plan.WriteScript], up to a length in bytes.
func (p *Plan) Script(most int) ([]byte, error) {
	w := &limited{most: most}
	err := p.WriteScript(w)
	return w.Bytes(), err
}

// limited keeps what is written, up to a length.
type limited struct {
	bytes.Buffer
	most int
}

// Write keeps bytes.
func (l *limited) Write(b []byte) (int, error) {
	n, _ := l.Buffer.Write(b[:min(len(b), l.most-l.Len())]) // it never fails
	if n < len(b) {
		return n, ErrCut
	}
	return n, nil
}
