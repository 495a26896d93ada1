package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"firn/sqlite/internal/capi"
)

// A source is opened so that nothing is left in the way of the application, whoever firn runs as:
//
//   - Who would make -wal and -shm with the owner, group and mode that the application gives them, reads as it does:
//     the owner, and the superuser, since SQLite gives them away then. They are removed at the end.
//   - Everybody else is a guest, who makes no file and writes none.
//   - If a guest finds no -shm, nobody has the database open. It is read without locks then, and that the file was not
//     written meanwhile is the proof that what was read is of one moment: nothing but a checkpoint writes to it, and
//     what commits leave in the WAL is not looked at.

// passing is an error that may be over in a moment.
type passing struct{ error }

// Unwrap returns the error itself.
func (p passing) Unwrap() error { return p.error }

// passingLimit is how long such an error may last: much longer than an application takes to open or close a database.
const passingLimit = 2 * time.Second

// openSource opens a database that others may be using, to read it.
func openSource(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (*capi.Conn, *stillness, error) {
	limit := time.After(passingLimit)
	for {
		c, still, err := trySource(ctx, path, timeout, now)
		if _, soon := errors.AsType[passing](err); !soon {
			return c, still, err
		}
		select {
		case <-limit:
			return nil, nil, err
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-time.After(capi.BusySlice):
		}
	}
}

func trySource(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (*capi.Conn, *stillness, error) {
	if err := checkSidecars(path); err != nil {
		return nil, nil, err
	}
	how := capi.AsGuest
	if mayMakeSidecars(path) {
		how = capi.AsOwner
	}
	c, err := capi.OpenGuarded(ctx, path, how)
	if err != nil {
		return nil, nil, err
	}
	s, err := surroundingsOf(c, path)
	if err == nil && how == capi.AsGuest && s.unused() {
		if err := c.Close(); err != nil {
			return nil, nil, err
		}
		return openAlone(ctx, path, timeout, now)
	}
	if err == nil {
		err = join(c, s, timeout)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, nil, nil
}

// join begins to use the files that those share who have the database open.
func join(c *capi.Conn, s surroundings, timeout time.Duration) error {
	if s.elsewhere() {
		return passing{s.detached()}
	}
	err := c.FirstRead(timeout)
	if s.wal && errors.Is(err, fs.ErrNotExist) { // a guest finds that the last application has closed
		return passing{err}
	}
	if err == nil && s.used && c.OnlyUser() {
		return passing{s.detached()}
	}
	return err
}

// openAlone opens a database that nobody else has open, without a lock and without making a file.
func openAlone(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (c *capi.Conn, since *stillness, err error) {
	before, err := still(ctx, path, now)
	if err != nil {
		return nil, nil, err
	}
	if capi.NonEmpty(path + "-wal") {
		c, err = capi.OpenGuarded(ctx, path, capi.Alone)
	} else {
		c, err = capi.OpenImmutable(ctx, path)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := c.FirstRead(timeout); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, &stillness{path, before}, nil
}

// stillness proves that a database file was not written since.
type stillness struct {
	path   string
	before fs.FileInfo
}

// still returns what the file looks like once a later write is certain to show: clocks of file systems tick coarsely.
func still(ctx context.Context, path string, now func() time.Time) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	young := settled - now().Sub(lastChange(info))
	if young <= 0 {
		return info, nil
	}
	select {
	case <-time.After(min(young, settled)):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return os.Stat(path)
}

// check returns [ErrChanged] if the file was written.
func (s *stillness) check() error {
	if s == nil {
		return nil
	}
	after, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(s.before, after) || s.before.Size() != after.Size() || !lastChange(s.before).Equal(lastChange(after)) {
		return ErrChanged
	}
	return nil
}

// surroundings are what lies beside a database when it is opened.
type surroundings struct {
	wal     bool // its header says WAL
	hasWAL  bool // a -wal file
	hasShm  bool // a -shm file
	used    bool // another process has it open
	locked  bool // another process lets nobody else in
	mounted bool // the file itself is a mount point
	other   string
}

// surroundingsOf looks at an open database, of which nothing was read yet.
func surroundingsOf(c *capi.Conn, path string) (surroundings, error) {
	var s surroundings
	b, err := c.Header()
	if err != nil {
		return s, err
	}
	h, _ := capi.ParseHeader(b) // SQLite says what is wrong with it
	s.hasWAL, s.hasShm = capi.Exists(path+"-wal"), capi.Exists(path+"-shm")
	s.wal = h.Mode == capi.WALMode || s.hasWAL
	if s.wal {
		s.used, s.locked = c.LockedByOthers()
		s.mounted = isMountPoint(path)
	}
	s.other, err = otherName(path)
	return s, err
}

// complete reports whether the files are there that everybody who has the database open shares.
func (s surroundings) complete() bool { return s.hasWAL && s.hasShm }

// unused reports whether nobody can have the database open in WAL mode.
func (s surroundings) unused() bool {
	return s.wal && !s.complete() && !s.elsewhere() && !s.locked // as an application does that is about to close, too
}

// elsewhere reports whether the WAL must be somewhere else: whoever has the database open has both files, and where they
// have them nobody else's are.
func (s surroundings) elsewhere() bool {
	return s.other != "" || s.wal && (s.used && !s.complete() || s.mounted && !s.hasWAL)
}

func (s surroundings) detached() error {
	switch {
	case s.other != "":
		return fmt.Errorf("%w: %s is another name of the file, and its journal lies there", ErrDetached, s.other)
	case s.mounted:
		return fmt.Errorf("%w: the file alone is mounted here", ErrDetached)
	}
	return fmt.Errorf("%w: a program has the file open, but not with the -wal and -shm that are here", ErrDetached)
}
