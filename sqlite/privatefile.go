package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// privateFile is a database file that is not written meanwhile, opened to find out whether something is wrong with
// it. SQLite reads it through a [capi.ImageFS], because it does not tell all errors of the disk from damage of the
// database: integrity_check makes a finding of each page that it cannot get, and EIO comes out of a statement as
// SQLITE_CORRUPT.
type privateFile struct {
	*os.File
	fs       *capi.ImageFS
	conn     *capi.Conn
	unparsed error // a definition that the connection passes over
}

// openPrivate opens the file. It never looks for a journal or WAL beside it.
func openPrivate(ctx context.Context, path string) (*privateFile, error) {
	path, info, err := source.Resolve(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &privateFile{File: f}
	if p.fs, err = capi.Mount(f, info.Size()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if p.conn, err = capi.OpenImage(ctx, p.fs); err != nil {
		return nil, errors.Join(err, p.fs.Unmount(), f.Close())
	}
	p.conn.ForbidAttach() // so that every name is one of this file
	p.unparsed = p.conn.PassUnparsed()
	return p, nil
}

// judge returns the error of an operation on the database. It is [ErrIO] if the disk has failed meanwhile, whatever
// SQLite says or found.
func (p *privateFile) judge(err error) error {
	if failed := p.fs.Err(); failed != nil {
		return fmt.Errorf("%w: %w", ErrIO, failed)
	}
	return err
}

func (p *privateFile) close() error {
	return errors.Join(p.conn.Close(), p.fs.Unmount(), p.Close())
}
