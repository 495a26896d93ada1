package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"firn/repo"
	"firn/store"
	"firn/store/local"
)

// place is where a repository is: in a folder, or in a place of another kind.
type place struct {
	folder   string // absolute; "" for a place of another kind
	location string // of that place
	kind     remote // of that place
}

// parsePlace reads a location. The endpoint is for locations that leave it out.
func (c *caller) parsePlace(location, endpoint string) (place, error) {
	for _, kind := range c.remotes {
		if kind.Matches(location) {
			location, err := kind.Parse(location, endpoint)
			return place{location: location, kind: kind}, err
		}
	}
	if store.IsRemote(location) {
		return place{}, usage("Name the kind of this place when you open the repository.", "repository %q: this program does not know places of this kind", location)
	}
	folder, err := filepath.Abs(location)
	return place{folder: folder}, err
}

// String returns one text for each place.
func (p place) String() string { return cmp.Or(p.folder, p.location) }

// openStore opens the place of a repository, which must be there.
func (s *session) openStore(ctx context.Context) (store.Store, error) {
	if s.place.kind != nil {
		return s.openRemote(ctx)
	}
	st, err := openFolder(s.place.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open repository %s: %w", s.place, repo.ErrNotRepository)
	}
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return st, nil
}

// createStore opens the place of a new repository, and makes it if it is a folder.
func (s *session) createStore(ctx context.Context) (store.Store, error) {
	if s.place.kind != nil {
		return s.openRemote(ctx)
	}
	err := makeFolder(s.place.folder)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	st, err := openFolder(s.place.folder)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	return st, nil
}

// makeFolder makes a folder and those above it that are missing, each with the rights of the user who can write where
// it will be.
func makeFolder(dir string) error {
	at, err := reachSite(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := makeFolder(filepath.Dir(dir)); err != nil {
			return err
		}
		at, err = reachSite(dir)
	}
	if err != nil {
		return err
	}
	defer at.close()
	return at.at(local.MakeFolder)
}

func (s *session) openRemote(ctx context.Context) (store.Store, error) {
	opts, err := s.remoteOptions()
	if err != nil {
		return nil, err
	}
	st, err := s.place.kind.Open(ctx, s.place.location, opts)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	s.counter, _ = st.(store.Counter)
	return st, nil
}

// tellTraffic tells what was asked of a server.
func (s *session) tellTraffic() {
	if s.counter == nil {
		return
	}
	t := s.counter.Traffic()
	s.detail("requests: %d (list %d, put %d, get %d, head %d, delete %d, other %d); sent %s, received %s",
		t.Requests(), t.Lists, t.Puts, t.Gets, t.Heads, t.Deletes, t.Others, size(t.Sent), size(t.Received))
}
