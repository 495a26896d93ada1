package sqlite

import (
	"context"
	"errors"
	"io"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
	"firn/sqlite/internal/sqldump"
)

// DumpSQL writes the database in a private file that is not written meanwhile, an image, as a script that makes it anew
// in an empty database: all that `sqlite3 FILE .dump` means, for any SQLite that knows what the schema uses. The database
// that the script makes has equal rows with equal rowids, in tables of equal definitions; it has virtual tables too, by
// their shadow tables. CR LF between the words of a definition may become LF.
//
// Nothing in the database is trusted. No view, trigger or expression of it is evaluated, no virtual table is connected
// to, and the script has no more statements than the schema has entries. Definitions are copied as they are: a trigger
// runs when the new database is written.
//
// If the database cannot be read, or ctx is done, the script says so and ends with ROLLBACK; damage of one table keeps
// no other table from being written. The error wraps [ErrCollation] if a table cannot be read without a collation that only
// the application has. Errors of w are returned as they are. Other errors say what could not be read, and
// leave it to the caller to say of which database.
func DumpSQL(ctx context.Context, path string, w io.Writer) (err error) {
	if _, _, err := source.Resolve(path); err != nil {
		return err
	}
	c, err := capi.OpenImmutable(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return sqldump.Write(c, w)
}
