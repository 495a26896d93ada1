package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

// Watch tells whether anybody commits to a database. It holds no lock, but keeps the WAL, if there is one, from being
// removed. It is for one goroutine at a time.
type Watch struct {
	conn    *capi.Conn
	path    string
	timeout time.Duration
	version int64
}

// NewWatch begins to watch a database. What is committed from now on shows.
func NewWatch(ctx context.Context, path string, timeout time.Duration) (*Watch, error) {
	w := &Watch{path: path, timeout: timeout}
	var still *source.Stillness
	resolved, _, err := source.Resolve(path)
	if err == nil {
		w.conn, still, err = source.Open(ctx, resolved, timeout, time.Now)
	}
	if err == nil && still != nil {
		err = errors.Join(errors.New("what others write does not show without SQLite's locks"), w.conn.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("watch database %s: %w", path, err)
	}
	if w.version, err = w.dataVersion(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Unchanged reports whether nothing was committed since the watch began, by any connection of any process. It is by
// what tells SQLite that the pages it has cached are still those of the database. What writes past SQLite does not show.
func (w *Watch) Unchanged() (bool, error) {
	version, err := w.dataVersion()
	return err == nil && version == w.version, err
}

// dataVersion returns SQLite's data_version: another one after each commit that is not this connection's.
func (w *Watch) dataVersion() (version int64, err error) {
	err = w.conn.Retry(w.timeout, func() error { version, err = w.conn.Number("PRAGMA data_version"); return err })
	if err != nil {
		return 0, fmt.Errorf("watch database %s: %w", w.path, err)
	}
	return version, nil
}

// Close ends the watch.
func (w *Watch) Close() error { return w.conn.Close() }
