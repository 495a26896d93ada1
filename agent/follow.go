package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"firn/pull"
	"firn/site"
)

// mostFollowed is how many databases one connection has followed.
const mostFollowed = 10_000

// peekEvery is the time between two peeks at held databases, as in a watch on the database's own host.
const peekEvery = 10 * time.Millisecond

// followed is a database that is followed.
type followed struct {
	*site.Follower
	turns chan struct{} // holds one element while an image is open

	mu    sync.Mutex
	id    int64      // of the image that was opened last
	taken site.Image // that image; nil for none
}

// follower returns the follower of a database, nil for none.
func (a *Agent) follower(path string) *followed {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.followers[path]
}

// look says whether a database may have changed since its last stored image, and follows it from now on.
func (a *Agent) look(ctx context.Context, q pull.LookRequest) (answer pull.LookAnswer, err error) {
	path, err := a.permit(q.Database)
	if err != nil {
		return answer, err
	}
	f, err := a.follow(path, q.Hold)
	if err != nil {
		return answer, err
	}
	answer.Changed, err = f.Look(ctx)
	answer.State = pull.StateOf(f.State())
	return answer, err
}

// follow returns the follower of a database, and makes it if there is none.
func (a *Agent) follow(path string, hold bool) (*followed, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.followers[path]
	if f == nil {
		if len(a.followers) >= mostFollowed {
			return nil, fmt.Errorf("%w: more than %d databases are followed", pull.ErrRequest, mostFollowed)
		}
		f = &followed{Follower: site.NewFollower(path, hold, a.o.Silence, a.o.Now), turns: make(chan struct{}, 1)}
		a.followers[path] = f
	} else if hold {
		f.Hold()
	}
	if hold && !a.peeking {
		a.peeking = true
		go a.peek()
	}
	return f, nil
}

// peek peeks at all followed databases until the agent is closed. The next look sees an error.
func (a *Agent) peek() {
	ticks := time.NewTicker(peekEvery)
	defer ticks.Stop()
	var list []*followed
	for n := 0; ; n++ {
		select {
		case <-a.ended:
			return
		case <-ticks.C:
		}
		if n%100 == 0 { // a database that came since is peeked at within a second
			list = a.list(list[:0])
		}
		for _, f := range list {
			_ = site.Caught(f.Peek)
		}
	}
}

// list appends all followed databases to a list.
func (a *Agent) list(to []*followed) []*followed {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.followers {
		to = append(to, f)
	}
	return to
}

// taken gives an image a number, and remembers it until the puller says that it is stored.
func (a *Agent) taken(q pull.OpenRequest, image site.Image) int64 {
	id := a.images.Add(1)
	path, err := a.permit(q.Database)
	if f := a.follower(path); err == nil && f != nil && q.Follow {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.id, f.taken = id, image
	}
	return id
}

// stored says that an image was stored: changes count from there.
func (a *Agent) stored(_ context.Context, q pull.StoredRequest) (struct{}, error) {
	path, err := a.permit(q.Database)
	f := a.follower(path)
	if err != nil || f == nil {
		return struct{}{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken != nil && f.id == q.ID {
		f.taken.Stored()
		f.taken = nil
	}
	return struct{}{}, nil
}

// release lets go of the connection to a database, or ends the following.
func (a *Agent) release(_ context.Context, q pull.ReleaseRequest) (struct{}, error) {
	path, err := a.permit(q.Database)
	f := a.follower(path)
	if err != nil || f == nil {
		return struct{}{}, err
	}
	if !q.End {
		return struct{}{}, f.Release()
	}
	a.mu.Lock()
	delete(a.followers, path)
	a.mu.Unlock()
	return struct{}{}, f.Close()
}
