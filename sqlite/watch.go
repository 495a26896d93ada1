package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// Watch tells whether a connection commits to a database. It holds no lock, but keeps the WAL, if there is one, from
// being removed. It is for one goroutine at a time.
type Watch struct {
	conn    *capi.Conn
	path    string
	timeout time.Duration
	version int64
}

// NewWatch begins to watch a database. The watch notices later commits.
func NewWatch(ctx context.Context, path string, timeout time.Duration) (*Watch, error) {
	w := &Watch{path: path, timeout: timeout}
	var still *source.Stillness
	resolved, _, err := source.Resolve(path)
	if err == nil {
		w.conn, still, err = source.Open(ctx, resolved, timeout, time.Now)
	}
	if err == nil && still != nil {
		err = errors.Join(errors.New("writes of other processes do not show without SQLite's locks"), w.conn.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("watch database %s: %w", path, err)
	}
	if w.version, err = w.dataVersion(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Unchanged reports whether nothing was committed since the watch began, by any connection of any process. It asks
// SQLite as SQLite itself asks whether its cached pages are still those of the database. A write past SQLite does not
// show.
func (w *Watch) Unchanged() (bool, error) {
	version, err := w.dataVersion()
	return err == nil && version == w.version, err
}

// dataVersion returns SQLite's data_version, which changes with each commit of another connection.
func (w *Watch) dataVersion() (version int64, err error) {
	err = w.conn.Retry(w.timeout, func() error { version, err = w.conn.Number("PRAGMA data_version"); return err })
	if err != nil {
		return 0, fmt.Errorf("watch database %s: %w", w.path, err)
	}
	return version, nil
}

// Close ends the watch.
func (w *Watch) Close() error { return w.conn.Close() }
