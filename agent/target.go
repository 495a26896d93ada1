package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firn/outcome"
	"firn/pull"
	"firn/site"
	"firn/sqlite"
)

// target says what is known of a database that a puller is about to replace.
func (a *Agent) target(ctx context.Context, q pull.TargetRequest) (answer pull.TargetAnswer, err error) {
	at, err := a.writable(q.Database)
	if err != nil {
		return answer, err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	source := a.source(at.Path(), pull.OpenRequest{Timeout: q.Timeout})
	image, err := source(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		answer.Missing = true
		return answer, room(at)
	case errors.Is(err, sqlite.ErrEmpty):
		return answer, nil
	case outcome.Is(sqlite.ErrNotDatabase, sqlite.ErrCorrupt)(err):
		f := pull.FailureOf(err)
		answer.Broken = &f
	case err != nil:
		return answer, err
	default:
		answer.Image.Image = image.Describe()
		if err := image.Close(); err != nil {
			return answer, err
		}
	}
	answer.Exists = true
	answer.Size, answer.Modified = lastChange(at)
	return answer, nil
}

// writable returns the site of a database that a puller may replace. The caller closes it.
func (a *Agent) writable(asked string) (*site.Site, error) {
	if !a.o.Writable {
		return nil, refused(asked, "it was started without --writable")
	}
	path, err := a.permit(asked)
	if err != nil {
		return nil, err
	}
	at, err := site.Reach(path)
	if err != nil {
		return nil, err
	}
	if !a.o.AllowAll && !a.fitsReal(at.Path()) { // a link was changed since
		return nil, errors.Join(refused(asked, "no --allow fits it"), at.Close())
	}
	return at, nil
}

// fitsReal reports whether a path without links fits a pattern.
func (a *Agent) fitsReal(real string) bool {
	for _, p := range a.allowed {
		if p.fits(real, real) {
			return true
		}
	}
	return false
}

// room returns an error if something is in the way of a new database.
func room(at *site.Site) error {
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if _, err := at.Stat(end); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s (it may hold the last changes of a lost database)", sqlite.ErrSidecar, at.Path()+end)
		}
	}
	info, err := os.Stat(filepath.Dir(at.Path()))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", filepath.Dir(at.Path()))
	}
	return err
}

// lastChange returns the size of a database's file, and when the database was changed: the last changes may be in a WAL.
func lastChange(at *site.Site) (size int64, modified time.Time) {
	if file, err := at.Stat(""); err == nil {
		size, modified = file.Size(), file.ModTime()
	}
	if wal, err := at.Stat("-wal"); err == nil && wal.Size() > 0 && wal.ModTime().After(modified) {
		modified = wal.ModTime()
	}
	return size, modified
}
