package capi

import (
	"errors"
	"slices"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// ForbidAttach keeps SQL from attaching other databases: every name is one of this database then.
func (c *Conn) ForbidAttach() { lib.Xsqlite3_limit(c.tls, c.db, lib.SQLITE_LIMIT_ATTACHED, 0) }

// LimitLength sets the length in bytes that a text, a blob or a row has at most.
func (c *Conn) LimitLength(most int32) {
	lib.Xsqlite3_limit(c.tls, c.db, lib.SQLITE_LIMIT_LENGTH, most)
}

// DistrustSchema lets expressions in the schema run only harmless functions, and SQL change neither the schema's own
// table nor shadow tables.
func (c *Conn) DistrustSchema() error {
	return errors.Join(
		c.config(lib.SQLITE_DBCONFIG_DEFENSIVE, 1),
		c.config(lib.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0))
}

// DisableSchema takes views and triggers from the connection, and all modules: without modules SQLite connects to no
// virtual table, whatever the schema says.
func (c *Conn) DisableSchema() error {
	lib.Xsqlite3_drop_modules(c.tls, c.db, 0)
	return errors.Join(
		c.config(lib.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
		c.config(lib.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0))
}

// DisableTriggers keeps the triggers of the schema from running.
func (c *Conn) DisableTriggers() error { return c.config(lib.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0) }

// config switches a boolean option of the connection (SQLITE_DBCONFIG_...).
func (c *Conn) config(option int32, on int32) error {
	args := c.tls.Alloc(2 * 8)
	defer c.tls.Free(2 * 8)
	if rc := lib.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(args, on, uintptr(0))); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// AllowReading has SQLite refuse to compile all SQL but queries and statements that change rows. The caller refuses to
// run the latter, by [Stmt.ReadOnly]: R*Tree compiles some in order to be read.
func (c *Conn) AllowReading() error {
	if rc := lib.Xsqlite3_set_authorizer(c.tls, c.db, function(authorize), 0); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// authorize says whether SQL may do something. SQLite asks as it compiles a statement.
func authorize(_ *libc.TLS, _ uintptr, action int32, first, second, _, _ uintptr) int32 {
	switch action {
	case lib.SQLITE_SELECT, lib.SQLITE_READ, lib.SQLITE_FUNCTION, lib.SQLITE_RECURSIVE,
		lib.SQLITE_INSERT, lib.SQLITE_UPDATE, lib.SQLITE_DELETE:
		return lib.SQLITE_OK
	case lib.SQLITE_PRAGMA:
		// With a value most pragmas are settings; some of these are the whole process'.
		if second == 0 || slices.Contains(askingPragmas(), strings.ToLower(libc.GoString(first))) {
			return lib.SQLITE_OK
		}
	}
	return lib.SQLITE_DENY
}

// askingPragmas returns the pragmas whose value names the object that they shall describe.
func askingPragmas() []string {
	return []string{
		"table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list",
		"foreign_key_list", "foreign_key_check", "integrity_check", "quick_check",
	}
}
