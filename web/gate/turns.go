package gate

import (
	"context"
	"sync"
)

// Turns lets each client have one of something at a time.
type Turns struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the holder is done
}

// NewTurns returns turns that nobody has.
func NewTurns() *Turns { return &Turns{held: make(map[string]chan struct{})} }

// Try takes the turn of a client unless it is taken. The caller gives it back.
func (t *Turns) Try(client string) (giveBack func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[client] != nil {
		return nil, false
	}
	done := make(chan struct{})
	t.held[client] = done
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.held, client)
		close(done)
	}, true
}

// Wait takes the turn of a client, and waits for it until the context ends.
func (t *Turns) Wait(ctx context.Context, client string) (giveBack func(), err error) {
	for {
		if giveBack, ok := t.Try(client); ok {
			return giveBack, nil
		}
		t.mu.Lock()
		done := t.held[client]
		t.mu.Unlock()
		if done == nil {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
