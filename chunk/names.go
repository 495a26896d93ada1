package chunk

import (
	"runtime"
	"sync"
)

// names computes IDs on all processors while the next bytes are read.
type names struct {
	name    Namer
	wanted  chan *named
	all     []*named
	started int
	workers sync.WaitGroup
}

type named struct {
	view []byte // nil for bytes that were never read
	id   ID
}

// newNames returns an empty list. Goroutines start with the first bytes to name.
func newNames(name Namer) *names {
	return &names{name: name, wanted: make(chan *named, lookAheadChunks)}
}

// add has bytes named, which must not change before [names.wait] returns. It may be called
// lookAheadChunks times before that.
func (n *names) add(view []byte) {
	w := &named{view: view}
	n.all = append(n.all, w)
	n.wanted <- w
	if n.started < runtime.GOMAXPROCS(0) {
		n.started++
		n.workers.Go(n.work)
	}
}

// know adds an ID that is known already.
func (n *names) know(id ID) { n.all = append(n.all, &named{id: id}) }

func (n *names) work() {
	for w := range n.wanted {
		w.id = n.name(Data, w.view)
	}
}

// wait returns the IDs in the order of add and know.
func (n *names) wait() []*named {
	close(n.wanted)
	n.workers.Wait()
	return n.all
}
