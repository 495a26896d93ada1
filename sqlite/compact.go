package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firn/scratch"
	"firn/sqlite/internal/capi"
)

// compact makes VACUUM INTO write a copy and delivers the copy. The fingerprint was taken before, so it is never
// newer than the copy: at worst the next image is read although nothing has changed.
func (i *Image) compact() (io.ReadCloser, error) {
	folder, err := scratch.Make(i.compactDir())
	if err != nil {
		return nil, err
	}
	t, err := i.vacuum(folder)
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return reader(t, i.info.Size), nil
}

// compactDir returns the folder for the copy. SQLite itself must be able to write there: if the caller has taken
// other rights, it is the database's own folder.
func (i *Image) compactDir() string {
	if i.opts.foreign {
		return filepath.Dir(i.path)
	}
	return i.opts.TempDir
}

// vacuum writes the copy, describes it, and ends the connection to the database.
func (i *Image) vacuum(folder *scratch.Folder) (*scratch.File, error) {
	path := folder.Path("compact.db")
	if err := i.conn.Exec("COMMIT"); err != nil { // VACUUM is not possible within a transaction
		return nil, err
	}
	if err := i.conn.Retry(i.opts.BusyTimeout, func() error { return i.conn.ExecText(vacuumInto, path) }); err != nil {
		return nil, err
	}
	info, tables, err := describe(i.conn, path)
	if err != nil {
		return nil, err
	}
	info.JournalMode = i.info.JournalMode
	i.info, i.tables = info, tables
	if err := i.end(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	// VACUUM INTO writes a database that is not in WAL mode. A restore of that would take the application out of WAL
	// mode.
	if _, err := f.WriteAt(capi.JournalVersion(info.JournalMode), capi.VersionOffset); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return scratch.Unlink(f, folder), nil
}

// vacuumInto is the statement that writes a compact copy.
const vacuumInto = "VACUUM INTO ?"

// describe returns the info and the tables of a file that is not written meanwhile.
func describe(c *capi.Conn, path string) (Info, []table, error) {
	copied, err := capi.OpenImmutable(c.Context(), path)
	if err != nil {
		return Info{}, nil, err
	}
	copied.PassUnparsed()
	info, err := infoOf(copied)
	if err == nil && info.PageCount == 0 {
		err = fmt.Errorf("compact copy: %w", ErrEmpty)
	}
	tables, _ := tablesOf(copied) // as for an image of pages
	return info, tables, errors.Join(err, copied.Close())
}
