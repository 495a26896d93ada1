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
	workers sync.WaitGroup
}

type named struct {
	view []byte
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
	if len(n.all) <= runtime.GOMAXPROCS(0) {
		n.workers.Go(n.work)
	}
}

func (n *names) work() {
	for w := range n.wanted {
		w.id = n.name(Data, w.view)
	}
}

// wait returns the IDs in the order of add.
func (n *names) wait() []ID {
	close(n.wanted)
	n.workers.Wait()
	ids := make([]ID, len(n.all))
	for i, w := range n.all {
		ids[i] = w.id
	}
	return ids
}
