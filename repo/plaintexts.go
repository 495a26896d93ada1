package repo

import (
	"container/list"
	"sync"

	"firn/chunk"
)

// plaintexts are the blobs that were used last, as far as there is room for them. It is safe
// for concurrent use. No user changes the bytes that it holds.
type plaintexts struct {
	most int // bytes

	mu    sync.Mutex
	blobs map[chunk.ID]*list.Element // of recentBlob
	order *list.List                 // most recently used first
	size  int
}

type recentBlob struct {
	id    chunk.ID
	plain []byte
}

func newPlaintexts(most int) *plaintexts {
	return &plaintexts{most: most, blobs: make(map[chunk.ID]*list.Element), order: list.New()}
}

// get returns a blob. A nil p has none.
func (p *plaintexts) get(id chunk.ID) ([]byte, bool) {
	if p == nil {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.blobs[id]
	if !ok {
		return nil, false
	}
	p.order.MoveToFront(e)
	return e.Value.(recentBlob).plain, true
}

func (p *plaintexts) put(id chunk.ID, plain []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.blobs[id]; ok {
		return
	}
	p.blobs[id] = p.order.PushFront(recentBlob{id, plain})
	p.size += len(plain)
	for p.size > p.most {
		oldest := p.order.Back()
		blob := p.order.Remove(oldest).(recentBlob)
		delete(p.blobs, blob.id)
		p.size -= len(blob.plain)
	}
}
