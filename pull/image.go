package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync/atomic"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// StoredError is the error of an image that could not read the bytes which the repository has of it. A backup that reads all
// of the database, with ForceScan, does not need them.
type StoredError struct{ Err error }

// Error says what could not be read.
func (e *StoredError) Error() string {
	return "read what the repository has of the database: " + e.Err.Error()
}

// Unwrap returns the error of the repository.
func (e *StoredError) Unwrap() error { return e.Err }

// image is an image of a database on another host. No request is under way until its pages are asked for: most images are
// found unchanged by their description alone.
type image struct {
	ctx       context.Context
	host      *Host
	request   OpenRequest
	tablePath string // "" for no table
	described Described

	exchange *exchange // nil before the pages are asked for
	incoming *incoming // the pages of the ranges; nil before
	ranges   [][2]int64
	stored   io.ReaderAt       // the other pages
	table    *Table            // of the image as far as it is known; nil if it will not be known
	hasher   *crypt.PageHasher // of table
	next     int64             // offset of the next byte to deliver
	page     []byte            // the page that next is in
	number   int64             // of page, from 0; -1 for none
	ended    atomic.Bool       // all pages were received
	distrust *atomic.Bool      // what the repository has cannot be read
	err      error             // sticky
}

var (
	_ repo.DistantImage = (*image)(nil)
	_ repo.LiveImage    = (*image)(nil)

	_ interface{ Stored() } = (*image)(nil)
)

// open asks for the description of an image.
func (h *Host) open(ctx context.Context, request OpenRequest, tablePath string) (*image, error) {
	i := &image{ctx: ctx, host: h, request: request, tablePath: tablePath, number: -1}
	if err := h.ask(ctx, PathDescribe, request, &i.described); err != nil {
		return nil, err
	}
	return i, i.described.check(request.Compact)
}

// Describe returns what is known of the image.
func (i *image) Describe() snapshot.Image { return i.described.Image }

// Unchanged reports whether the database certainly has the content that it had at the time of the fingerprint.
func (i *image) Unchanged(fingerprint json.RawMessage) bool {
	var old, now sqlite.Fingerprint
	return json.Unmarshal(fingerprint, &old) == nil && json.Unmarshal(i.described.Fingerprint, &now) == nil && now.Same(old)
}

// Live reports whether the agent has the image open.
func (i *image) Live() bool { return i.exchange != nil && !i.ended.Load() }

// begin has the agent open the image for reading. It may be a later one than was described.
func (i *image) begin() (err error) {
	if i.exchange, err = i.host.exchange(i.ctx, PathImage); err != nil {
		return err
	}
	if err := i.exchange.sendJSON(Open, i.request); err != nil {
		return err
	}
	return i.settle()
}

// settle takes in the description that the agent sends next.
func (i *image) settle() error {
	content, err := i.exchange.expect(Opened)
	if err != nil {
		return err
	}
	return i.describe(content)
}

// describe takes in a description of the image.
func (i *image) describe(content []byte) error {
	var d Described
	if err := json.Unmarshal(content, &d); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if err := d.check(i.request.Compact); err != nil {
		return err
	}
	if i.page != nil && (d.Size != i.described.Size || d.PageSize != i.described.PageSize) {
		return fmt.Errorf("%w: the size of the image changes while it is read", ErrFrame)
	}
	i.described = d
	return nil
}

// receive begins to receive the pages.
func (i *image) receive() {
	if i.table != nil {
		i.table.shrink(i.described.PageCount)
		i.hasher = crypt.NewPageHasher(i.table.key)
	}
	i.page = make([]byte, 0, i.described.PageSize)
	i.incoming = newIncoming(i.exchange, i.described.PageSize, func() { i.ended.Store(true) })
}

// readAll asks for all pages.
func (i *image) readAll() error {
	if i.exchange == nil {
		if err := i.begin(); err != nil {
			return err
		}
	}
	if err := i.exchange.send(ReadAll, nil); err != nil {
		return err
	}
	if err := i.settle(); err != nil {
		return err
	}
	i.ranges = [][2]int64{{0, i.described.Size}}
	if i.tablePath != "" {
		i.table = newTable(i.described.PageSize)
	}
	i.receive()
	return nil
}

// Read delivers the next bytes: pages that have changed come from the agent, the others from the repository.
func (i *image) Read(p []byte) (n int, err error) {
	if i.err != nil {
		return 0, i.err
	}
	if i.incoming == nil {
		if err := i.readAll(); err != nil {
			return 0, i.fail(err)
		}
	}
	for n < len(p) && i.next < i.described.Size {
		if err := i.loadPage(); err != nil {
			return n, i.fail(err)
		}
		k := copy(p[n:], i.page[i.next%int64(i.described.PageSize):])
		n, i.next = n+k, i.next+int64(k)
	}
	if i.next == i.described.Size {
		if err := i.finish(); err != nil {
			return 0, i.fail(err)
		}
		if n == 0 && len(p) > 0 {
			return 0, io.EOF
		}
	}
	return n, nil
}

// loadPage makes the page of the next byte the present one.
func (i *image) loadPage() error {
	size := int64(i.described.PageSize)
	number := i.next / size
	if number == i.number {
		return nil
	}
	i.page = i.page[:size]
	i.number = number
	if !i.fromAgent(number * size) {
		return i.fromStored(number * size)
	}
	if err := i.incoming.page(i.page); err != nil {
		return err
	}
	if i.table != nil {
		i.table.set(number, i.hasher.Sum(i.page))
	}
	return nil
}

// fromStored reads a page that has not changed.
func (i *image) fromStored(offset int64) error {
	if _, err := i.stored.ReadAt(i.page, offset); err != nil {
		i.distrust.Store(true)
		return &StoredError{err}
	}
	return nil
}

// fromAgent reports whether a page comes from the agent.
func (i *image) fromAgent(offset int64) bool {
	n := sort.Search(len(i.ranges), func(n int) bool { return i.ranges[n][1] > offset })
	return n < len(i.ranges) && i.ranges[n][0] <= offset
}

// Skip passes over bytes that have not changed.
func (i *image) Skip(n int64) error {
	if i.err != nil {
		return i.err
	}
	if n < 0 || n > i.described.Size-i.next {
		return i.fail(fmt.Errorf("pull: internal error: cannot skip %d bytes", n))
	}
	i.next += n
	if i.next < i.described.Size {
		return nil
	}
	return i.fail(i.finish())
}

// finish takes in the last description of the image, which has the numbers of rows, and ends the exchange: an image may stay
// open for long, and the requests that can be under way at once are few.
func (i *image) finish() error {
	if i.exchange == nil {
		return nil // it was finished
	}
	content, err := i.incoming.end()
	if err == nil {
		err = i.describe(content)
	}
	i.end()
	return err
}

// end ends the exchange, if there is one: the agent closes the image.
func (i *image) end() {
	if i.exchange != nil {
		i.exchange.close()
		i.exchange = nil
	}
}

// Named keeps the table of the image for the next one. Without the table, the next image is compared with the stored one.
func (i *image) Named(root chunk.ID) {
	if i.err != nil {
		return
	}
	i.distrust.Store(false)
	if i.table == nil {
		return
	}
	i.table.root = root
	_ = i.table.save(i.tablePath)
}

// storedTime is how long the agent may take to hear that an image is stored.
const storedTime = 10 * time.Second

// Stored tells the agent that the image is stored: its follower counts the changes from there. If that fails, the next image
// is compared.
func (i *image) Stored() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(i.ctx), storedTime) // the reading has ended, and its context with it
	defer cancel()
	_ = i.host.ask(ctx, PathStored, StoredRequest{Database: i.request.Database, ID: i.described.ID}, nil)
}

// Close ends the exchange.
func (i *image) Close() error {
	if i.err == nil {
		i.err = outcome.OfSource(errClosed)
	}
	i.end()
	if i.incoming != nil {
		i.incoming.close()
	}
	return nil
}

// fail keeps an error, and marks it as one of the source, unless it is the repository's. It ends the exchange.
func (i *image) fail(err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*StoredError](err); !ours {
		err = i.host.about("read", i.request.Database, err)
	}
	i.err = err
	i.end()
	return err
}

// unexpected is the error for a frame that does not belong where it stands.
func unexpected(kind Kind) error { return fmt.Errorf("%w: a frame %q", ErrFrame, rune(kind)) }
