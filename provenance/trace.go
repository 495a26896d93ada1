// Package provenance finds changes of a database that SQLite has not written: a disk, a copier, or a fault of a program has made
// them.
//
// In WAL mode SQLite writes each page as a frame of the WAL first. If a page differs from a stored image, and no frame has been
// written for it since, then SQLite has not changed it. A [Trace] compares the pages that are read of an image with those of the
// image before. docs/design.md, "Page provenance", says when that is certain.
package provenance

import (
	"bytes"
	"io"
	"slices"
	"sort"
	"sync"
	"time"

	"firn/snapshot"
)

const (
	// maxPages bounds how many changed pages are remembered: of a file that was copied over the database, all pages may differ.
	maxPages = 1 << 16
	// namedPages is how many pages a finding names.
	namedPages = 5
)

// Trace compares an image with that of a snapshot. Its methods may be called by several goroutines at once.
type Trace struct {
	pageSize int64
	written  [][2]int64 // by SQLite, in order
	since    *snapshot.Snapshot

	mu    sync.Mutex
	pages map[uint32]struct{} // that have changed without a write
}

// New returns a trace of the changes since a snapshot. SQLite has written inside of the ranges of bytes only, each of which is
// from the first up to the second number; they are in order.
func New(pageSize int, written [][2]int64, since *snapshot.Snapshot) *Trace {
	return &Trace{pageSize: int64(pageSize), written: written, since: since, pages: map[uint32]struct{}{}}
}

// Compare compares bytes of the image with those of the snapshot from the same offset on, as far as both go.
func (t *Trace) Compare(offset int64, was, is []byte) {
	n := min(len(was), len(is))
	was, is = was[:n], is[:n]
	for from := 0; from < n; {
		page := (offset + int64(from)) / t.pageSize
		to := min(n, int((page+1)*t.pageSize-offset))
		if !bytes.Equal(was[from:to], is[from:to]) && !t.wrote(page*t.pageSize) {
			t.found(uint32(page + 1))
		}
		from = to
	}
}

// wrote reports whether SQLite may have written the page at an offset.
func (t *Trace) wrote(offset int64) bool {
	i := sort.Search(len(t.written), func(i int) bool { return t.written[i][1] > offset })
	return i < len(t.written) && t.written[i][0] <= offset
}

// found notes a page.
func (t *Trace) found(page uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pages) < maxPages {
		t.pages[page] = struct{}{}
	}
}

// numbers returns the pages that were found, in order.
func (t *Trace) numbers() []uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	numbers := make([]uint32, 0, len(t.pages))
	for page := range t.pages {
		numbers = append(numbers, page)
	}
	slices.Sort(numbers)
	return numbers
}

// Findings describes the pages that were found until a time, nil if there are none. stored is the snapshot's image of size bytes.
// The change may be as old as the last reading of all pages: a chunk that no run has read since is compared only now.
func (t *Trace) Findings(stored io.ReaderAt, size int64, until time.Time) []string {
	pages := t.numbers()
	if len(pages) == 0 {
		return nil
	}
	from := t.since.Image().ReadAt
	if from.IsZero() {
		from = t.since.Time
	}
	change := snapshot.UnwrittenChange{
		Pages: len(pages), AtLeast: len(pages) == maxPages, From: from, To: until, Kept: t.since.ID,
		Named: names(stored, size, pages[:min(len(pages), namedPages)]),
	}
	return []string{change.String()}
}
