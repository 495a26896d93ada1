package agent

import (
	"context"
	"errors"
	"fmt"
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
	opened, err := a.source(path, q)(ctx)
	if err != nil {
		return nil, err
	}
	image, ok := opened.(site.Image)
	if !ok {
		return nil, errors.Join(errors.New("agent: internal error: an image of another kind"), opened.Close())
	}
	// A link may have been changed since the path was looked at.
	if _, err := a.permit(q.Database); err != nil {
		return nil, errors.Join(fmt.Errorf("the path leads to another place than a moment ago: %w", err), image.Close())
	}
	return image, nil
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
