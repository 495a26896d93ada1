package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/rewrite"
)

// Scrub runs a script on an image, a private file that no other process has open. Afterwards the file holds nothing
// of the rows that the script, or any earlier statement, has deleted or overwritten: neither in free pages, nor
// between rows, nor in the remains of full-text indexes and statistics.
//
// Scrub needs room for a second file beside the first. The journal mode that the image's header names stays the same.
// An error in the script is a *[StatementError]. After any error the image is of no use any more.
func Scrub(ctx context.Context, image, script string) error {
	if err := scrub(ctx, image, script); err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	return nil
}

func scrub(ctx context.Context, image, script string) (err error) {
	src, err := rewrite.OpenImage(image)
	if err != nil {
		return err
	}
	mode := src.Mode
	if err := src.Close(); err != nil {
		return err
	}
	compact := image + "-compact"
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(compact, image+"-journal", compact+"-journal"))
		}
	}()
	if err := scrubInto(ctx, image, script, compact); err != nil {
		return err
	}
	if err := writeMode(compact, mode); err != nil {
		return err
	}
	return os.Rename(compact, image)
}

// scrubInto runs the script on the image, and writes the remaining rows to a new file. Only rows get there, so that
// no byte of the old pages does; VACUUM INTO keeps the rowids, which full-text indexes may refer to.
func scrubInto(ctx context.Context, image, script, compact string) (err error) {
	c, err := capi.Open(ctx, image, capi.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	// After any failure the file is thrown away: none of it need survive a crash.
	if err := c.Exec("PRAGMA journal_mode = delete; PRAGMA synchronous = off; PRAGMA secure_delete = on"); err != nil {
		return err
	}
	if err := runScript(c, script, func(*capi.Stmt) bool { return true }); err != nil {
		return err
	}
	if c.InTransaction() {
		return errors.New("the script leaves a transaction open")
	}
	if err := forgetDerived(c); err != nil {
		return err
	}
	if err := createPrivate(compact); err != nil {
		return err
	}
	return c.ExecText(vacuumInto, compact)
}

// forgetDerived removes the copies that SQLite itself has kept of rows that the script has changed: words in the
// segments of full-text indexes, which deleting only marks, and the samples of ANALYZE.
func forgetDerived(c *capi.Conn) error {
	var statements []string
	err := c.Rows(`
		SELECT format('INSERT INTO "%w"("%w") VALUES (''optimize'')', name, name) FROM pragma_table_list AS fts5
		WHERE schema = 'main' AND type = 'virtual' AND 2 = (SELECT count(*) FROM pragma_table_list
			WHERE schema = 'main' AND type = 'shadow' AND name IN (fts5.name || '_idx', fts5.name || '_config'))
		UNION ALL
		SELECT format('DELETE FROM "%w"', name) FROM sqlite_schema WHERE name IN ('sqlite_stat3', 'sqlite_stat4')`,
		func(s *capi.Stmt) { statements = append(statements, s.Text(0)) })
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if err := c.Exec(sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// createPrivate makes an empty file that only the process's user may read. VACUUM INTO accepts such a file.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// writeMode sets the journal mode of a file that VACUUM has written.
func writeMode(path, mode string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(capi.JournalVersion(mode), capi.VersionOffset)
	return errors.Join(err, f.Sync(), f.Close())
}

// removeAll removes files, some of which may be missing.
func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
