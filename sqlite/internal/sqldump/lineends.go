package sqldump

import (
	"fmt"
	"strings"

	"firn/sqlite/internal/capi"
)

// quotesCRLF reports whether a statement has CR LF within quotes. The shell reads CR LF as LF: between tokens that
// means the same, and within quotes it is another name or text.
func quotesCRLF(statement string) bool {
	for rest := statement; rest != ""; {
		n := tokenLen(rest)
		if n < 0 {
			return false
		}
		if strings.ContainsRune("'\"`[", rune(rest[0])) && strings.Contains(rest[:n], "\r\n") {
			return true
		}
		rest = rest[n:]
	}
	return false
}

// mend writes statements that give the entries with CR LF within quotes their names and definitions again, after the
// shell has made them with LF. It does no harm after a program that reads the script as it is. No other means carries
// CR LF into a definition: SQLite takes no expression there.
func (d *dump) mend(schema []entry) error {
	for _, kind := range []string{"table", "index", "view", "trigger"} {
		for _, e := range schema {
			if e.kind != kind || isVirtual(e.sql) || !quotesCRLF(e.sql) {
				continue
			}
			if err := d.mendEntry(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *dump) mendEntry(e entry) error {
	d.writeSchema()
	d.texts("UPDATE sqlite_master SET name=", e.name, ",tbl_name=", e.table, ",sql=", e.sql,
		" WHERE type=", e.kind, " AND name IN(", e.name, ",", asLF(e.name), ");")
	if e.kind == "table" && asLF(e.name) != e.name { // the indexes of its constraints have names made of the table's
		d.texts("UPDATE sqlite_master SET name=replace(name,", asLF(e.name), ",", e.name, "),tbl_name=", e.name,
			" WHERE sql IS NULL AND tbl_name=", asLF(e.name), ";")
	}
	stored, generated, err := d.generated(e)
	if stored {
		return fmt.Errorf("table %q: its definition has CR LF in a text, which a script cannot give to its STORED columns", e.name)
	}
	d.stale = d.stale || generated || e.kind == "index"
	return err
}

// texts writes a line of which every second part is a text.
func (d *dump) texts(parts ...string) {
	for i, part := range parts {
		if i%2 == 0 {
			d.put(part)
		} else {
			d.text(part)
		}
	}
	d.line()
}

// asLF returns a text as the shell reads it.
func asLF(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// generated reports whether a table has columns that SQLite computes, and whether it stores some of them.
func (d *dump) generated(e entry) (stored, generated bool, err error) {
	if e.kind != "table" {
		return false, false, nil
	}
	err = d.conn.Rows("PRAGMA main.table_xinfo("+capi.Identifier(e.name)+")", func(s *capi.Stmt) {
		const isVirtual, isStored = 2, 3
		hidden := s.Number(6)
		stored = stored || hidden == isStored
		generated = generated || hidden == isVirtual || hidden == isStored
	})
	return stored, generated, err
}

// reindex makes indexes anew that may hold values of expressions with LF. The connection reads the schema again first:
// PRAGMA writable_schema=RESET does not make old versions of SQLite do so, and the end of a transaction that has
// changed the schema does.
func (d *dump) reindex() error {
	if !d.stale {
		return nil
	}
	d.line("BEGIN TRANSACTION;")
	d.line("CREATE TABLE ", d.unused, "(n);")
	d.line("ROLLBACK;")
	return d.line("REINDEX;")
}
