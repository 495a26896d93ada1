package pull

import (
	"context"
	"sync"
	"sync/atomic"

	"firn/repo"
	"firn/sqlite"
)

// Follower follows a database on another host: the agent there has a [firn/site.Follower], for as long as the connection lasts.
// Its methods may be called by several goroutines at once.
type Follower struct {
	host *Host
	path string

	distrust atomic.Bool // see [Host.source]

	mu    sync.Mutex
	hold  bool
	state sqlite.FollowerState
}

// Follower returns a follower of the database at a path. It sends no request.
func (h *Host) Follower(path string, hold bool) *Follower {
	return &Follower{host: h, path: path, hold: hold, state: sqlite.FollowerState{NotHeld: "not opened yet"}}
}

// Peek does nothing: the agent peeks.
func (f *Follower) Peek() error { return nil }

// Look asks whether the database may have changed since its last stored image.
func (f *Follower) Look(ctx context.Context) (changed bool, err error) {
	f.mu.Lock()
	hold := f.hold
	f.mu.Unlock()
	var answer LookAnswer
	if err := f.host.ask(ctx, PathLook, LookRequest{Database: f.path, Hold: hold}, &answer); err != nil {
		return true, f.host.about("look at", f.path, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = answer.State.state()
	return answer.Changed, nil
}

// Source returns the database as a source of backups, as [Host.Source] does. Its images have a method Stored.
func (f *Follower) Source(o sqlite.Options) repo.Source {
	request := requestOf(f.path, o)
	request.Follow = true
	return f.host.source(request, tablePath(o), &f.distrust)
}

// State returns what the agent has said of its follower last. Whether a connection is held is the agent's matter: this process
// holds none.
func (f *Follower) State() sqlite.FollowerState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Hold has the agent hold a connection to the database from the next look on.
func (f *Follower) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold = true
}

// Release has the agent let go of the connection.
func (f *Follower) Release() error {
	f.mu.Lock()
	f.hold = false
	f.mu.Unlock()
	return f.release(false)
}

// Close has the agent end the following.
func (f *Follower) Close() error { return f.release(true) }

func (f *Follower) release(end bool) error {
	if !f.host.connected() {
		return nil // the agent has ended, and with it what it held
	}
	if err := f.host.ask(context.Background(), PathRelease, ReleaseRequest{Database: f.path, End: end}, nil); err != nil {
		return f.host.about("release", f.path, err)
	}
	return nil
}
