package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"firn/pull"
	"firn/repo"
	"firn/site"
	"firn/sqlite"
)

// mostTimeout bounds how long a puller can have the agent wait for a lock.
const mostTimeout = time.Hour

// describe describes a database. An image that is found unchanged is stored by that: its follower may be told.
func (a *Agent) describe(ctx context.Context, q pull.OpenRequest) (pull.Described, error) {
	image, err := a.open(ctx, q)
	if err != nil {
		return pull.Described{}, err
	}
	return described(image, a.taken(q, image)), image.Close()
}

// described returns the description of an image.
func described(image site.Image, id int64) pull.Described {
	return pull.Described{Image: image.Describe(), ID: id}
}

// open opens an image of a database that the puller may have.
func (a *Agent) open(ctx context.Context, q pull.OpenRequest) (site.Image, error) {
	path, err := a.permit(q.Database)
	if err != nil {
		return nil, err
	}
	free := a.await(ctx, path, q)
	opened, err := a.source(path, q)(ctx)
	if err != nil {
		free()
		return nil, err
	}
	inner, ok := opened.(site.Image)
	if !ok {
		free()
		return nil, errors.Join(errors.New("agent: internal error: an image of another kind"), opened.Close())
	}
	image := &turn{inner, sync.OnceFunc(free)}
	// A link may have been changed since the path was looked at.
	if _, err := a.permit(q.Database); err != nil {
		return nil, errors.Join(fmt.Errorf("the path leads to another place than a moment ago: %w", err), image.Close())
	}
	return image, nil
}

// turnTime is how long an image waits for the one before it, which a puller may have given up: it is closed as soon as the
// agent notices.
const turnTime = 10 * time.Second

// await waits until no other image of a followed database is open, for some time. Its result lets the next one begin.
func (a *Agent) await(ctx context.Context, path string, q pull.OpenRequest) (free func()) {
	f := a.follower(path)
	if !q.Follow || f == nil {
		return func() {}
	}
	limit := time.NewTimer(turnTime)
	defer limit.Stop()
	select {
	case f.turns <- struct{}{}:
		return func() { <-f.turns }
	case <-limit.C: // to open the image says what is wrong
	case <-ctx.Done():
	}
	return func() {}
}

// turn is an image that lets the next one begin when it is closed.
type turn struct {
	site.Image
	free func()
}

// Close closes the image.
func (t *turn) Close() error {
	defer t.free()
	return t.Image.Close()
}

// source returns the source of the images of a database.
func (a *Agent) source(path string, q pull.OpenRequest) repo.Source {
	o := sqlite.Options{Compact: q.Compact, HoldWriters: q.HoldWriters, BusyTimeout: min(max(q.Timeout, 0), mostTimeout), Now: a.o.Now}
	o.StatePath = a.statePath(path, q.State)
	if f := a.follower(path); q.Follow && f != nil {
		return f.Source(o)
	}
	return site.WatchedSource(a.o.Silence, path, o)
}
