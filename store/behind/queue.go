package behind

import (
	"slices"
	"strings"
	"sync"
	"time"

	"firn/store"
)

// entry is a waiting object.
type entry struct {
	store.Object
	number uint64 // its place in the order, and the name of its file

	// tried says that a put to the store has begun: the object may be there. done is closed at the end of the last
	// put, and nil before the first. Both are guarded by spool.changing.
	tried bool
	done  <-chan struct{}

	leaving bool // a removal of its file has failed, and may have had its effect; guarded by spool.changing
}

// busy reports whether a put to the store is under way.
func (e *entry) busy() bool {
	if e.done == nil {
		return false
	}
	select {
	case <-e.done:
		return false
	default:
		return true
	}
}

// queue knows the waiting objects, the first one first. Its lock is never held during a call of the disk or the store,
// so a listing or a Get does not wait for a put.
type queue struct {
	mu      sync.Mutex
	entries []*entry
	byName  map[string]*entry
	bytes   int64 // of the objects
	disk    int64 // bytes of their files
}

// find returns the entry of a name, or nil.
func (q *queue) find(name string) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.byName[name]
}

// head returns the entry that is next, or nil.
func (q *queue) head() *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) == 0 {
		return nil
	}
	return q.entries[0]
}

// push appends an entry.
func (q *queue) push(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.entries = append(q.entries, e)
	q.byName[e.Name] = e
	q.bytes += e.Size
	q.disk += recordSize(e.Name, e.Size)
}

// drop removes an entry that waits.
func (q *queue) drop(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.entries[0] == e {
		q.entries[0] = nil
		q.entries = q.entries[1:]
	} else {
		i := slices.Index(q.entries, e)
		q.entries = slices.Delete(q.entries, i, i+1)
	}
	delete(q.byName, e.Name)
	q.bytes -= e.Size
	q.disk -= recordSize(e.Name, e.Size)
}

// sum returns the number of the objects, their bytes, and the time since which the first one waits.
func (q *queue) sum() (objects int, bytes int64, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) > 0 {
		since = q.entries[0].Time
	}
	return len(q.entries), q.bytes, since
}

// diskBytes returns the size of all files of waiting objects.
func (q *queue) diskBytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.disk
}

// matching returns the objects whose names start with prefix, sorted by name.
func (q *queue) matching(prefix string) []store.Object {
	q.mu.Lock()
	var found []store.Object
	for _, e := range q.entries {
		if strings.HasPrefix(e.Name, prefix) {
			found = append(found, e.Object)
		}
	}
	q.mu.Unlock()
	slices.SortFunc(found, func(a, b store.Object) int { return strings.Compare(a.Name, b.Name) })
	return found
}
