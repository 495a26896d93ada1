package sqlite

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
	"firn/sqlite/internal/source"
)

// held is a connection that a follower keeps open, without a transaction between its calls. It has the lock of every
// connection in WAL mode, so that no other connection removes the WAL and its index, or leaves WAL mode.
type held struct {
	conn   *capi.Conn
	frames follow.Frames
	peeker *follow.Peeker
	files  [3]source.Stat // identities of the database, its WAL and its -shm
	failed bool           // to be given up
}

// filesOf returns the identities of the files that the names of a database stand for; zero for a missing one, and for a -shm
// that was cut under its users: to look at its memory would end the process.
func filesOf(path string, database fs.FileInfo) (files [3]source.Stat) {
	files[0] = identity(database)
	for n, suffix := range []string{"-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err == nil && (suffix != "-shm" || info.Size() >= capi.WALIndexRegion) {
			files[n+1] = identity(info)
		}
	}
	return files
}

// identity returns which file it is, and nothing about its content.
func identity(info fs.FileInfo) source.Stat {
	s := source.StatOf(info)
	return source.Stat{Device: s.Device, Inode: s.Inode}
}

// checkFiles gives everything up if the files of the database's names are other ones than before.
func (f *Follower) checkFiles(path string, database fs.FileInfo) error {
	switch h := f.held; {
	case f.blind:
		return nil
	case h != nil && (h.failed || h.files != filesOf(path, database)):
		f.lose(follow.Replaced)
		return f.drop()
	case f.base != nil && f.base.file != identity(database):
		f.lose(follow.Replaced)
	case h != nil && f.overwritten():
		f.lose(follow.Replaced)
		return f.drop() // its index of the WAL is that of the older file
	}
	return nil
}

// overwritten reports whether the header in the database file shows that the file was written past SQLite, as by cp. While
// page 1 has not changed since the base, a checkpoint can put there only what the base's transaction saw. A header that
// cannot be read shows the same.
func (f *Follower) overwritten() bool {
	changes := f.tracker.Base()
	if f.base == nil || !f.base.tracked || changes == nil || changes.Lost != "" || changes.Pages.Has(1) {
		return false
	}
	header, err := f.held.conn.Header()
	if err != nil {
		return true
	}
	// A commit between the two looks may have changed page 1.
	if bytes.Equal(header, f.base.print.File.Header) || bytes.Equal(header, f.base.header) {
		return false
	}
	rule, err := f.peek()
	return err == nil && rule.Advanced() && !changes.Pages.Has(1)
}

// connect returns the held connection, or opens one. The caller gives it back by disconnect.
func (f *Follower) connect(ctx context.Context, path string) (*capi.Conn, *source.Stillness, error) {
	if f.held != nil {
		f.held.conn.SetContext(ctx)
		return f.held.conn, nil, nil
	}
	c, still, err := source.Open(ctx, path, f.opts.BusyTimeout, f.opts.Now)
	if errors.Is(err, ErrBusy) {
		f.record.unheld("locked")
	}
	return c, still, err
}

// disconnect ends the transaction of a connection, and closes the connection unless it is held.
func (f *Follower) disconnect(c *capi.Conn) error {
	if f.held == nil || f.held.conn != c {
		return c.Close()
	}
	var err error
	c.SetContext(context.Background()) // the transaction ends, though its call was cancelled
	c.Alive = func() {}
	if c.InTransaction() {
		err = c.Exec("COMMIT")
	}
	c.ReleaseMemory()
	switch {
	case err != nil || f.held.failed:
		return errors.Join(err, f.drop())
	case !f.want.Load():
		return f.release()
	}
	return nil
}

// tracked reports whether the tracker follows the database by the header of an open transaction.
func (f *Follower) tracked(raw []byte, still *source.Stillness) bool {
	_, valid := f.tracker.At()
	return valid && raw != nil && still == nil
}

// poll brings the tracker to the state that the open transaction sees; raw is its header.
func (f *Follower) poll(c *capi.Conn, still *source.Stillness, raw []byte) error {
	if still != nil || raw == nil {
		f.tracker.Lose(map[bool]follow.Rule{true: follow.Alone, false: follow.NoWAL}[still != nil])
		f.steady = false
		return nil
	}
	now, err := follow.ParseHeader(raw)
	if err != nil {
		return err
	}
	frames, free, err := f.frames(c)
	if err != nil {
		return err
	}
	defer free()
	rule, err := f.tracker.Poll(now, frames, f.steady)
	if err != nil {
		f.tracker.Lose(follow.Broken)
		return err
	}
	if rule != follow.Same {
		f.advanced(rule)
	}
	f.steady = f.held != nil
	return nil
}

// frames returns a reader of the WAL's frames, and a function that frees it.
func (f *Follower) frames(c *capi.Conn) (*follow.Frames, func(), error) {
	if f.held != nil && f.held.conn == c {
		return &f.held.frames, func() {}, nil
	}
	frames, err := framesOf(c)
	if err != nil {
		return nil, nil, err
	}
	return frames, func() { c.Free(frames.Buffer) }, nil
}

// framesOf returns a reader of the WAL of a connection. The caller frees its buffer.
func framesOf(c *capi.Conn) (*follow.Frames, error) {
	wal, err := c.WAL()
	if err != nil {
		return nil, err
	}
	return &follow.Frames{File: wal, Buffer: c.Alloc(follow.FrameHeaderLen)}, nil
}

// keep holds the connection of an open transaction from now on, if one is wanted and the database is in WAL mode.
func (f *Follower) keep(c *capi.Conn, still *source.Stillness, path string) error {
	if f.held != nil {
		return nil
	}
	reason, err := f.unfit(c, still)
	if err == nil && reason == "" {
		f.held, reason, err = hold(c, path)
	}
	if err != nil || reason != "" {
		f.record.unheld(reason)
		return err
	}
	_, f.steady = f.tracker.At() // the transaction is still the one that the tracker has seen
	f.record.holds()
	return nil
}

// hold makes ready to hold a connection, or returns why it cannot be held.
func hold(c *capi.Conn, path string) (*held, string, error) {
	index, err := c.WALIndex()
	if err != nil {
		return nil, err.Error(), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	files := filesOf(path, info)
	if slices.Contains(files[:], source.Stat{}) {
		return nil, "the files of the database cannot be told from others", nil
	}
	frames, err := framesOf(c)
	if err != nil {
		return nil, "", err
	}
	c.Spare()
	return &held{conn: c, frames: *frames, peeker: follow.NewPeeker(index), files: files}, "", nil
}

// unfit returns why a connection is not to be held; empty if it is.
func (f *Follower) unfit(c *capi.Conn, still *source.Stillness) (string, error) {
	if still != nil {
		f.record.mode(capi.WALMode)
		return "no process has the database open, and firn's user may not make its files", nil
	}
	shape, err := c.Text("PRAGMA journal_mode")
	if err != nil {
		return "", err
	}
	if shape != capi.WALMode {
		f.record.mode(capi.DeleteMode)
		return "rollback journal", nil
	}
	f.record.mode(capi.WALMode)
	if !f.want.Load() {
		return "not wanted", nil
	}
	return "", nil
}

// release closes the held connection as an application closes its own.
func (f *Follower) release() error {
	if f.held == nil {
		return nil
	}
	path, info, err := source.Resolve(f.path)
	if err == nil && f.held.files == filesOf(path, info) {
		err = f.held.conn.Tidy()
	} else {
		err = nil // the names are no longer those of the open files
	}
	return errors.Join(err, f.drop())
}

// drop closes the held connection, and leaves the WAL as it is.
func (f *Follower) drop() error {
	h := f.held
	if h == nil {
		return nil
	}
	f.held, f.steady = nil, false
	f.record.unheld("given up")
	h.conn.Free(h.frames.Buffer)
	return h.conn.Close()
}
