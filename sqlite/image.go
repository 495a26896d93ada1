// Package sqlite takes consistent images of live SQLite databases and puts them back.
//
// An image is the database's own pages in order, read in one read transaction: page-stable, so that an unchanged page
// has the same bytes at the same place in the next image. [Open] never writes, checkpoints or creates the source.
// [Restore] makes an existing database equal to an image in one SQLite transaction, while applications have it open.
//
// The package owns every access to live databases. A program that uses it must not open a live database, or its -shm
// file, by other means (os.Open, a file copier, a walk that hashes files): closing such a descriptor drops SQLite's
// locks. Call [Harden] first thing in main as a second line of defence.
package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"firn/btree"
	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// Harden makes SQLite safer in the whole process: the locks on database files survive that another part of the process
// opens and closes the same file, and only regular files are opened under the name of a database, a journal or a WAL. Call
// it before anything else uses SQLite. Where the platform has no such means it does nothing.
func Harden() error { return capi.Harden() }

// Options say how to take an image. The zero value is right for most.
type Options struct {
	BusyTimeout time.Duration    // how long to wait for a lock; 0 means 10 seconds
	Compact     bool             // VACUUM INTO instead of the pages as they are: small, but pages change their places
	TempDir     string           // for private temporary files; empty means os.TempDir()
	Now         func() time.Time // the clock, against which the times of files are judged; nil means time.Now

	// StatePath is a file that keeps what is known of each page. With it, the next image reads only the pages that
	// have changed, see [Image.Changed]. Empty means no such file. The file may be deleted at any time. Only one
	// image at a time may use it.
	StatePath string

	// A database with a rollback journal that is larger than 32 MiB is copied to TempDir. If TempDir has no room for
	// it, the database is read under its lock, so that applications cannot commit meanwhile. HeldUp is called before
	// that, with the reason; nil for none. Without HoldWriters the reading ends with [ErrHoldsUp] after less than 2
	// seconds.
	HoldWriters bool
	HeldUp      func(reason error)

	// Follower has followed the database since an earlier image, and knows which pages have changed; nil for none. It must
	// be the follower of the same path. Only one image at a time may be read by it. A compact image is not read by it.
	Follower *Follower

	// Name is the name of the database in errors; empty means its path.
	Name string
	// Outside runs a function that uses TempDir or StatePath. A caller sets it if it has taken other rights for the
	// database than these files need; nil runs the function as it is. The image itself must be used with the rights
	// that it was opened with: no method uses a path on a goroutine of its own.
	Outside func(func() error) error

	// Alive is called again and again while the database is read, so that a caller can tell a long call from one that
	// hangs. It must return at once. A compact copy is made by one call of SQLite, during which Alive is not called.
	Alive func()

	foreign     bool          // Outside was given
	memoryLimit int64         // largest image of a rollback-mode database that is held in memory; 0 means 32 MiB
	holdLimit   time.Duration // 0 means the constant
}

func (o Options) withDefaults() Options {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = defaultBusyTimeout
	}
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.foreign = o.Outside != nil
	if !o.foreign {
		o.Outside = func(f func() error) error { return f() }
	}
	if o.Alive == nil {
		o.Alive = func() {}
	}
	if o.memoryLimit == 0 {
		o.memoryLimit = 32 << 20
	}
	if o.holdLimit == 0 {
		o.holdLimit = holdLimit
	}
	return o
}

const defaultBusyTimeout = 10 * time.Second

// Info describes an image.
type Info struct {
	PageSize      int
	PageCount     int64
	Size          int64  // PageSize * PageCount
	JournalMode   string // "wal", or "delete" for every mode with a rollback journal
	UserVersion   int32
	ApplicationID int32
	SchemaHash    string // 32 hex digits over the sorted rows of sqlite_schema, whatever pages they are on
}

// Image is one consistent image of a database. Read delivers its bytes. Always Close it: until the last byte was read
// it holds a read transaction open. It is not safe for concurrent use.
type Image struct {
	path  string // of the database, symbolic links resolved
	name  string // of the database, for errors
	opts  Options
	conn  *capi.Conn        // nil once the transaction has ended
	still *source.Stillness // of a database that is read without locks; nil otherwise
	info  Info
	print Fingerprint
	pages io.ReadCloser // what Read delivers; nil before the first Read
	err   error         // sticky: of Read

	before  *btree.RowCounter // of the older image, if only the changes since it are read; nil otherwise
	tables  []table           // nil if the schema cannot be read
	counter *btree.RowCounter // of the pages delivered so far; nil when there is nothing to count
	rows    []TableRows       // nil before all was delivered, or if they could not be counted

	hold  bool            // ReadAt is wanted after the last Read
	kept  bool            // the transaction stayed open for it
	again capi.PageReader // of ReadAt; without a statement before its first call

	followed bool   // the image has its follower, and its lock, for itself: until its transaction ends
	mark     *mark  // what the follower keeps of the image; nil without a follower
	cause    string // why a followed image is read whole
}

// Open begins a read transaction on the database and describes what it sees; no page is read before the first Read.
// The context governs the reading too.
//
// It fails with fs.ErrNotExist, fs.ErrPermission, [ErrNotFile], [ErrStrangeSidecar], [ErrDetached], [ErrEmpty],
// [ErrNotDatabase], [ErrCorrupt] or [ErrBusy].
//
// Open leaves nothing behind that keeps the application from its database, with whatever rights it runs. If a lock
// file of this process would keep the owner out, and no process has the database open in WAL mode, the database is
// read without a lock; the last Read fails with [ErrChanged] if the database was written meanwhile. A database with a
// rollback journal cannot commit between Open and the first Read or Close.
func Open(ctx context.Context, path string, opts Options) (*Image, error) {
	i, err := openImage(ctx, path, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", cmp.Or(opts.Name, path), err)
	}
	return i, nil
}

func openImage(ctx context.Context, path string, opts Options) (*Image, error) {
	// Resolved once: SQLite names journals after the file that a link leads to.
	path, before, err := source.Resolve(path)
	if err != nil {
		return nil, err
	}
	i := &Image{path: path, name: cmp.Or(opts.Name, path), opts: opts}
	if err = i.connect(ctx, before); err != nil {
		return nil, err
	}
	i.conn.Alive = opts.Alive
	if err := i.begin(); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	after, err := os.Stat(path)
	if err == nil && !os.SameFile(before, after) {
		err = errors.New("file was replaced while it was opened")
	}
	if err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// connect opens the database.
func (i *Image) connect(ctx context.Context, before fs.FileInfo) (err error) {
	if i.opts.Follower != nil && !i.opts.Compact {
		return i.claim(ctx, before)
	}
	i.conn, i.still, err = source.Open(ctx, i.path, i.opts.BusyTimeout, i.opts.Now)
	return err
}

// begin opens the read transaction and describes what it sees.
func (i *Image) begin() error {
	c := i.conn
	wal, err := begin(c, i.opts.BusyTimeout)
	if err != nil {
		return err
	}
	if err := i.follow(wal); err != nil {
		return err
	}
	if i.print, err = fingerprintOf(c, i.path, wal, i.opts.Now()); err != nil {
		return err
	}
	if i.info, err = infoOf(c); err != nil {
		return err
	}
	if i.still != nil { // where SQLite looks for no WAL, it does not say that the database is in WAL mode
		i.info.JournalMode = capi.WALMode
	}
	if i.info.PageCount == 0 { // a hot journal was rolled back to nothing
		return ErrEmpty
	}
	i.tables, _ = tablesOf(c) // an image whose tables cannot be read is still an image: its rows are not counted
	if w := i.print.WAL; w != nil && int64(w.Pages) != i.info.PageCount {
		return fmt.Errorf("%w: WAL ends with %d pages, the database has %d", ErrCorrupt, w.Pages, i.info.PageCount)
	}
	return i.marked(wal)
}

// Info describes the image. The first Read settles it for a compact image, and for a large database with a rollback
// journal, which a long read would block: call Info again after reading.
func (i *Image) Info() Info { return i.info }

// Fingerprint identifies the content that Read delivers, or older content: never newer content. Like [Image.Info], it
// is settled by the first Read.
func (i *Image) Fingerprint() Fingerprint { return i.print }

// Unchanged reports whether the database is certain to hold what it held when old was taken. It reads no page. With a
// follower whose last stored image has this fingerprint, a checkpoint is no change.
func (i *Image) Unchanged(old Fingerprint) bool {
	return i.print.same(old) || i.mark != nil && i.mark.same.is(old)
}

// Rows returns the number of rows of each table of the image, sorted by name. It reports false before all bytes were
// read, and if the pages contradict each other. Counting while the pages pass by costs next to nothing. Virtual
// tables and the tables of SQLite itself are left out.
func (i *Image) Rows() ([]TableRows, bool) { return i.rows, i.rows != nil }

// Read delivers the next bytes of the image. The read transaction ends as soon as the last page was read. With a
// rollback journal it ends earlier: readers block writers there, so the image is copied first. After any error but
// io.EOF the bytes that were read are no image, and every later Read returns the same error.
func (i *Image) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.read(p)
	if err != nil && err != io.EOF {
		if changed := i.changed(); changed != nil { // a change may be the cause of every other error
			err = changed
		}
		err = fmt.Errorf("read database %s: %w", i.name, err)
	}
	i.err = err
	return n, err
}

// changed returns [ErrChanged] if the database is read without a lock and was written.
func (i *Image) changed() error {
	if i.conn == nil {
		return nil
	}
	return i.still.Check()
}

func (i *Image) read(p []byte) (int, error) {
	if i.pages == nil {
		pages, err := i.start()
		if err != nil {
			return 0, err
		}
		i.deliver(pages)
	}
	n, err := i.pages.Read(p)
	if i.counter != nil {
		i.observe(p[:n])
	}
	return n, err
}

// deliver sets the reader behind Read.
func (i *Image) deliver(pages io.ReadCloser) {
	i.pages = pages
	if i.tables != nil && i.before == nil {
		i.counter = btree.NewRowCounter(i.info.PageSize, i.info.PageCount)
	}
}

// observe has the counter look at the delivered bytes, and counts the rows when they were the last.
func (i *Image) observe(b []byte) {
	i.counter.Add(b)
	if i.counter.Complete() {
		i.count(i.counter)
		i.counter = nil
	}
}

// count counts the rows, and saves the counter for the next image. If that fails, the next image reads all pages.
func (i *Image) count(c *btree.RowCounter) {
	if i.print.WAL != nil && !i.opts.Compact && !i.mark.keep(c) && i.opts.StatePath != "" {
		_ = i.opts.Outside(func() error { return saveCounter(i.opts.StatePath, c, i.print) })
	}
	roots := make([]int64, len(i.tables))
	for n, t := range i.tables {
		roots[n] = t.root
	}
	numbers, ok := c.Rows(roots)
	if !ok {
		return
	}
	i.rows = make([]TableRows, len(numbers))
	for n, rows := range numbers {
		i.rows[n] = TableRows{i.tables[n].name, rows}
	}
}

// Live reports whether the image's transaction is open, which keeps a WAL from being checkpointed to its end, and with a
// rollback journal commits from happening.
func (i *Image) Live() bool { return i.conn != nil }

// start decides how to read the pages.
func (i *Image) start() (io.ReadCloser, error) {
	if i.followed && i.before == nil {
		i.opts.Follower.record.full(cmp.Or(i.cause, "asked"))
	}
	switch {
	case i.before != nil:
		return i.sparse()
	case i.opts.Compact:
		return i.compact()
	case i.info.JournalMode == capi.WALMode && i.still == nil:
		return i.stream()
	case i.info.Size <= i.opts.memoryLimit: // without a lock, a short read is less likely to meet a write
		return i.load()
	case i.still != nil:
		return i.stream()
	}
	return i.spool()
}

// stream reads the pages in the open transaction as they are asked for.
func (i *Image) stream() (*capi.Pages, error) {
	return i.conn.Pages(i.info.PageSize, i.info.PageCount, i.last)
}

// load reads all pages into memory, so that the lock is not held for as long as the consumer takes.
func (i *Image) load() (io.ReadCloser, error) {
	pages, err := i.stream()
	if err != nil {
		return nil, err
	}
	defer pages.Close()
	image := bytes.NewBuffer(make([]byte, 0, i.info.Size+bytes.MinRead)) // ReadFrom wants room to find the end
	if _, err := image.ReadFrom(pages); err != nil {
		return nil, err
	}
	return &copiedPages{io.NewSectionReader(bytes.NewReader(image.Bytes()), 0, i.info.Size), nil}, nil
}

// end ends the transaction.
func (i *Image) end() error {
	if i.conn == nil {
		return nil
	}
	c := i.conn
	i.conn = nil
	if i.again.Stmt != nil {
		i.again.Finalize()
		i.again.Stmt = nil
	}
	err := i.still.Check()
	if i.followed {
		return errors.Join(err, i.yield(c))
	}
	return errors.Join(err, c.Close())
}

// Close ends the transaction, if reading to the end has not, and removes temporary files.
func (i *Image) Close() error {
	var err error
	if i.pages != nil {
		err = i.pages.Close()
		i.pages = nil
	}
	if i.err == nil {
		i.err = fmt.Errorf("read database %s: %w", i.name, fs.ErrClosed)
	}
	if err = errors.Join(err, i.end()); err != nil {
		return fmt.Errorf("close database %s: %w", i.name, err)
	}
	return nil
}
