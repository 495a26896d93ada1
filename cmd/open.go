package cmd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"firn/crypt"
	"firn/repo"
	"firn/store"
)

// session is what most commands work with: the configuration, and the
// repository that it and the flags name.
type session struct {
	*caller
	opening  openOptions
	conf     *config
	place    place         // of the repository
	cacheDir string        // of this repository; "" for none
	counter  store.Counter // of requests; nil for a repository in a folder
	repo     *repo.Repo
	tried    keySource        // the key that was used
	setBack  []*repo.Rollback // of what this host has stored, and is not there
	accepted bool             // setBack is

	metricsFile string // of this run, in place of the configuration's
}

// openOptions say how a repository is opened.
type openOptions struct {
	repairing         bool // open also what only the cache can open
	onlyExistingCache bool // make no cache folder
	accepting         bool // of a repository that shows less than this host has stored, or is another one
}

// start finds out where the repository is, without opening it.
func (c *caller) start(opening openOptions) (*session, error) {
	conf, err := c.loadConfig()
	if err != nil {
		return nil, err
	}
	c.detail("configuration: %s", cmp.Or(conf.path, "none"))
	s := &session{caller: c, opening: opening, conf: conf}
	s.place, err = c.findRepository(conf)
	return s, err
}

// open opens the repository; the caller closes s.repo.
func (c *caller) open(ctx context.Context, opening openOptions) (*session, error) {
	s, err := c.start(opening)
	if err != nil {
		return nil, err
	}
	if err := s.openWith(ctx, s.credential); err != nil {
		return nil, err
	}
	return s, nil
}

// credentialFunc finds the key of a repository, and says where it is from.
type credentialFunc func(context.Context, *config) (crypt.Credential, keySource, error)

// openWith opens the repository with a key that is asked for once it is there.
func (s *session) openWith(ctx context.Context, credential credentialFunc) error {
	s.detail("repository: %s", s.place)
	st, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	var key crypt.Credential
	if key, s.tried, err = credential(ctx, s.conf); err != nil {
		return err
	}
	s.cacheDir = s.openCache(s.place.String())
	opts, err := s.options()
	if err != nil {
		return err
	}
	opts.Store, opts.Credential = st, key
	if s.repo, err = repo.Open(ctx, opts); errors.Is(err, crypt.ErrWrongKey) {
		return fmt.Errorf("open repository with %s at %s: %w", s.tried, s.place, err)
	} else if err != nil {
		return fmt.Errorf("open repository %s: %w", s.place, err)
	}
	if err := s.lookBack(ctx); err != nil {
		s.close()
		return fmt.Errorf("open repository %s: %w", s.place, err)
	}
	return nil
}

// close lets go of the repository and tells the curious what it took.
func (s *session) close() {
	s.repo.Close()
	s.tellTraffic()
}

// options are the repository's, but for the store and the key. What a bucket
// holds is asked for no more often than needed.
func (s *session) options() (repo.Options, error) {
	opts := repo.Options{
		CacheDir: s.cacheDir, StateDir: s.openState(), Host: hostName(), Tool: "firn " + s.tool, Now: s.now,
		Repairing: s.opening.repairing, AcceptOther: s.opening.accepting,
	}
	if s.place.kind != nil {
		opts.TrustCache = true
		var err error
		opts.CacheSize, err = s.cacheSize()
		return opts, err
	}
	return opts, nil
}

// hostName names this machine in records: for people, and to tell whether numbers of users in a record are this
// machine's.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// findRepository returns where the repository is.
func (c *caller) findRepository(conf *config) (place, error) {
	location := cmp.Or(c.settings.repository, c.getenv("FIRN_REPOSITORY"), conf.Repository)
	if location == "" {
		return place{}, usage("Give --repository, set FIRN_REPOSITORY, or write a "+configName+`: see "firn help".`, "no repository is given")
	}
	return c.parsePlace(location, c.endpoint(conf))
}

// locationHash names a repository by its place, whatever way leads there.
func locationHash(location string) string {
	if real, err := filepath.EvalSymlinks(location); err == nil {
		location = real
	}
	sum := sha256.Sum256([]byte(location))
	return hex.EncodeToString(sum[:8])
}
