package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"firn/repo"
	"firn/store"
	"firn/store/local"
	"firn/store/s3"
)

// place is where a repository is: in a folder, or in a bucket.
type place struct {
	folder string       // absolute; "" if it is in a bucket
	bucket *s3.Location // nil if it is in a folder
}

// parsePlace reads what a user has given. The endpoint is for locations of the
// form s3://bucket/prefix.
func parsePlace(location, endpoint string) (place, error) {
	if !remote(location) {
		folder, err := filepath.Abs(location)
		return place{folder: folder}, err
	}
	bucket, err := s3.ParseLocation(location, endpoint)
	if err != nil {
		return place{}, usage("The forms are s3:https://host:port/bucket/prefix and s3://bucket/prefix.", "%w", err)
	}
	return place{bucket: &bucket}, nil
}

// remote reports whether a location is not a folder.
func remote(location string) bool { return s3.IsLocation(location) }

// String returns one text for each place.
func (p place) String() string {
	if p.bucket != nil {
		return p.bucket.String()
	}
	return p.folder
}

// openStore opens the place of a repository, which must be there.
func (s *session) openStore(ctx context.Context) (store.Store, error) {
	if s.place.bucket != nil {
		return s.openBucket(ctx)
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
	if s.place.bucket != nil {
		return s.openBucket(ctx)
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

func (s *session) openBucket(ctx context.Context) (store.Store, error) {
	opts, err := s.bucketOptions()
	if err != nil {
		return nil, err
	}
	if s.bucket, err = s3.Open(ctx, opts); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return s.bucket, nil
}

// tellTraffic tells what was asked of a bucket.
func (s *session) tellTraffic() {
	if s.bucket == nil {
		return
	}
	t := s.bucket.Traffic()
	s.detail("requests: %d (list %d, put %d, get %d, head %d, delete %d, other %d); sent %s, received %s",
		t.Requests(), t.Lists, t.Puts, t.Gets, t.Heads, t.Deletes, t.Others, size(t.Sent), size(t.Received))
}
