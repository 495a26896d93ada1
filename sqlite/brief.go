package sqlite

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"firn/sqlite/internal/capi"
)

// holdLimit is how long commits may have to wait for an image to be read. It is below the promised 2 seconds, because
// a waiting application looks at the lock only now and then.
const holdLimit = 1500 * time.Millisecond

// brief reads pages under the lock of a database with a rollback journal, which keeps applications from committing.
// When its time is over it lets go of the lock, at whatever point the consumer is, and the bytes read so far are no
// image.
type brief struct {
	mu     sync.Mutex // the connection is used by the timer too
	pages  *capi.Pages
	timer  *time.Timer
	reason error // why the image could not be copied to a temporary file
	over   error // nil as long as the lock is held, or if all was read
}

// underLock reads the pages under the lock, and reports the reason. If Options allow it the lock is held for as long
// as the consumer takes, and otherwise for a short time, which is enough for a fast consumer.
func (i *Image) underLock(reason error) (io.ReadCloser, error) {
	if i.opts.HeldUp != nil {
		i.opts.HeldUp(reason)
	}
	pages, err := i.stream()
	if err != nil || i.opts.HoldWriters {
		return pages, err
	}
	b := &brief{pages: pages, reason: reason}
	c := i.conn
	b.timer = time.AfterFunc(i.opts.holdLimit, func() { b.expire(c) })
	return b, nil
}

// expire lets go of the lock. It uses no path, and leaves the connection to be closed by its owner.
func (b *brief) expire(c *capi.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pages.Ended() { // all was read, or the image was closed
		return
	}
	b.over = fmt.Errorf("%w, and it cannot be copied to a temporary file first: %w", ErrHoldsUp, b.reason)
	b.over = errors.Join(b.over, b.pages.Close(), c.Exec("COMMIT"))
}

// Read delivers the pages until the time is over.
func (b *brief) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over != nil {
		return 0, b.over
	}
	return b.pages.Read(p)
}

// Close stops the timer. It leaves the transaction open, if it still is.
func (b *brief) Close() error {
	b.timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pages.Close()
}
