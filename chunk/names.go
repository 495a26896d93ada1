package chunk

import (
	"runtime"
	"sync"
)

// names computes IDs on all processors while more of what is to be named is read.
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

// newNames starts nothing before there is something to name.
func newNames(name Namer) *names {
	return &names{name: name, wanted: make(chan *named, lookAheadChunks)}
}

// add has the bytes named, which must not change before [names.wait] returns. There
// may be lookAheadChunks of them.
func (n *names) add(view []byte) {
	w := &named{view: view}
	n.all = append(n.all, w)
	n.wanted <- w
	if n.started < runtime.GOMAXPROCS(0) {
		n.started++
		n.workers.Go(n.work)
	}
}

// know adds what has its name already.
func (n *names) know(id ID) { n.all = append(n.all, &named{id: id}) }

func (n *names) work() {
	for w := range n.wanted {
		w.id = n.name(Data, w.view)
	}
}

// wait returns all in the order of add and know.
func (n *names) wait() []*named {
	close(n.wanted)
	n.workers.Wait()
	return n.all
}
