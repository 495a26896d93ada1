package sqlite

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"reflect"

	"firn/btree"
	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
	"firn/sqlite/internal/source"
)

// mark is what a [Follower] keeps of an image.
type mark struct {
	print   Fingerprint
	file    source.Stat // identity of the database file
	header  []byte      // of the database as the image's transaction saw it; the file's may be older
	tracked bool        // the follower's tracker counts changes since the image
	same    *mark       // the base from then, if nothing has changed since; otherwise nil, and once the image is stored
	counter *btree.RowCounter
	opts    Options
}

// counterPages is the number of pages up to which the follower keeps a row counter in memory: 1 GiB of pages of 4 KiB, of which
// the counter takes about 1 MB. The counters of larger databases are in the file of [Options.StatePath].
const counterPages = 1 << 18

// keep keeps the counter of a whole image. It reports false if it does not.
func (m *mark) keep(c *btree.RowCounter) bool {
	if m == nil || c.PageCount() > counterPages || !m.tracked {
		return false
	}
	if c.Usable() {
		m.counter = c.Clone()
	}
	return true
}

// save leaves the counter to processes without this follower. If that fails, their next image reads all pages.
func (m *mark) save() {
	if m.counter != nil && m.opts.StatePath != "" {
		_ = m.opts.Outside(func() error { return saveCounter(m.opts.StatePath, m.counter, m.print) })
	}
}

// untouched reports whether the files are those of the image, which had no WAL. The times of the file prove it if they were
// old at the time of the image.
func (m *mark) untouched(path string, now fs.FileInfo) bool {
	if m.print.WAL != nil || !m.print.File.Settled || capi.NonEmpty(path+"-wal") {
		return false // the WAL first: a checkpoint after this line changes the file's times
	}
	file, stat := m.print.File, source.StatOf(now)
	return m.file == identity(now) && file.Size == now.Size() && file.ModTime == now.ModTime().UnixNano() && file.ChangeTime == stat.ChangeTime
}

// quiet reports whether nothing was committed between two fingerprints. It is [Fingerprint.same], but with a rollback journal
// the change counter in the header shows each commit, however coarse the times of files are.
func (f Fingerprint) quiet(now Fingerprint) bool {
	if now.same(f) {
		return true
	}
	if f.WAL != nil || now.WAL != nil || f.Inode == 0 || f.Inode != now.Inode || f.Device != now.Device {
		return false
	}
	h, err := capi.ParseHeader(now.File.Header)
	return err == nil && h.Mode == capi.DeleteMode && f.File.Size == now.File.Size && f.File.ModTime == now.File.ModTime &&
		f.File.ChangeTime == now.File.ChangeTime && bytes.Equal(f.File.Header, now.File.Header)
}

// claim opens the image by its follower, which is the image's own until yield. before describes the file.
func (i *Image) claim(ctx context.Context, before fs.FileInfo) (err error) {
	f := i.opts.Follower
	if !f.open.CompareAndSwap(false, true) {
		return errors.New("internal error: an image of the follower is open")
	}
	f.mu.Lock()
	i.followed = true
	if err = f.checkFiles(i.path, before); err == nil {
		i.conn, i.still, err = f.connect(ctx, i.path)
	}
	if err != nil {
		i.free()
	}
	return err
}

// yield ends the transaction, and gives the follower back.
func (i *Image) yield(c *capi.Conn) error {
	err := i.opts.Follower.disconnect(c)
	i.free()
	return err
}

func (i *Image) free() {
	i.followed = false
	i.opts.Follower.open.Store(false)
	i.opts.Follower.mu.Unlock()
}

// follow takes the state of the image's transaction into its follower, and keeps the connection if one is to be held.
func (i *Image) follow(raw []byte) error {
	f := i.opts.Follower
	if !i.followed {
		return nil
	}
	if err := f.poll(i.conn, i.still, raw); err != nil {
		return err
	}
	return f.keep(i.conn, i.still, i.path)
}

// marked makes the mark of the image, once it is described.
func (i *Image) marked(raw []byte) error {
	f := i.opts.Follower
	if f == nil {
		return nil
	}
	i.mark = &mark{print: i.print, file: source.Stat{Device: i.print.Device, Inode: i.print.Inode}, opts: i.opts}
	i.mark.opts.Follower, i.mark.opts.HeldUp, i.mark.opts.Alive = nil, nil, nil
	if !i.followed {
		return nil
	}
	f.taken = i.mark
	f.tracker.Take(uint32(i.info.PageCount))
	if i.mark.tracked = f.tracked(raw, i.still); !i.mark.tracked {
		return nil
	}
	if f.base != nil && f.base.tracked && !f.moved() {
		i.mark.same = f.base
	}
	return i.readHeader()
}

// readHeader reads the header that the transaction sees.
func (i *Image) readHeader() error {
	r, err := i.conn.PageReader()
	if err != nil {
		return err
	}
	defer r.Finalize()
	page, err := r.Page(1)
	if err == nil && len(page) >= capi.HeaderLen {
		i.mark.header = bytes.Clone(page[:capi.HeaderLen])
	}
	return err
}

// Stored says that the image was stored, or is known to be the same as one that is: from now on its follower counts changes
// since it. Call it after reading has ended, on the image that was opened last; on others, and without a follower, it does
// nothing. Without it, as after a backup that has failed, all that counted before counts on.
func (i *Image) Stored() {
	f := i.opts.Follower
	if i.mark == nil {
		return
	}
	if !i.followed {
		f.mu.Lock()
		defer f.mu.Unlock()
	}
	if f.taken == i.mark || i.opts.Compact {
		f.store(i.mark)
	}
}

// store makes an image the base.
func (f *Follower) store(m *mark) {
	if m.counter == nil && m.same != nil {
		m.counter = m.same.counter
	}
	m.same = nil // for the memory
	f.base, f.taken = m, nil
	f.tracker.Store()
}

// is reports whether the mark is that of the image with a fingerprint.
func (m *mark) is(print Fingerprint) bool { return m != nil && reflect.DeepEqual(m.print, print) }

// known returns the pages that have changed since the base, and the base's counter, if the base is the image with this
// fingerprint. Otherwise it returns why they are not known.
func (f *Follower) known(old Fingerprint) (*follow.Pages, *btree.RowCounter, string) {
	changes := f.tracker.Base()
	switch {
	case f.base == nil || !f.base.tracked || changes == nil:
		return nil, nil, "first"
	case !f.base.is(old):
		return nil, nil, "other"
	case changes.Lost != "":
		return nil, nil, string(changes.Lost[1:])
	}
	return changes.Pages, f.base.counter, ""
}
