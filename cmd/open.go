package cmd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/repo"
	"firn/store/local"
)

// session is what most commands work with: the configuration, and the
// repository that it and the flags name.
type session struct {
	*cli
	conf     *config
	location string // of the repository, absolute
	cacheDir string // of this repository; "" for none
	repo     *repo.Repo
}

// start finds out where the repository is, without opening it.
func (c *cli) start() (*session, error) {
	conf, err := c.loadConfig()
	if err != nil {
		return nil, err
	}
	c.detail("configuration: %s", cmp.Or(conf.path, "none"))
	s := &session{cli: c, conf: conf}
	if s.location, err = c.findRepository(conf); err != nil {
		return nil, err
	}
	return s, nil
}

// open opens the repository; the caller closes s.repo.
func (c *cli) open(ctx context.Context) (*session, error) {
	s, err := c.start()
	if err != nil {
		return nil, err
	}
	c.detail("repository: %s", s.location)
	st, err := local.Open(s.location)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open repository %s: %w", s.location, repo.ErrNotRepository)
	}
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	credential, err := c.credential(ctx, s.conf)
	if err != nil {
		return nil, err
	}
	s.cacheDir = c.openCache(s.location)
	opts := s.options()
	opts.Store, opts.Credential = st, credential
	if s.repo, err = repo.Open(ctx, opts); err != nil {
		return nil, fmt.Errorf("open repository %s: %w", s.location, err)
	}
	return s, nil
}

// options are the repository's, but for the store and the key.
func (s *session) options() repo.Options {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // it is recorded for people only
	}
	return repo.Options{CacheDir: s.cacheDir, Host: host, Tool: "firn " + toolVersion(), Now: s.now}
}

// findRepository returns the absolute location.
func (c *cli) findRepository(conf *config) (string, error) {
	location := cmp.Or(c.flags.repository, c.getenv("FIRN_REPOSITORY"), conf.Repository)
	switch {
	case location == "":
		return "", usage("Give --repository FOLDER, set FIRN_REPOSITORY, or write a "+configName+`: see "firn help".`, "no repository is given")
	case remote(location):
		return "", usage("Give a folder.", "repository %s: this version of firn stores on local disks only", location)
	}
	return filepath.Abs(location)
}

// remote reports whether a location is not a folder.
func remote(location string) bool { return strings.HasPrefix(location, "s3:") }

// openCache returns this repository's cache folder, and makes it. Nothing needs
// a cache: without a place for it, all works, and costs time.
func (c *cli) openCache(location string) string {
	if c.flags.noCache {
		return ""
	}
	dir := cmp.Or(c.flags.cacheDir, c.getenv("FIRN_CACHE_DIR"))
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			c.detail("no cache: %v", err)
			return ""
		}
		dir = filepath.Join(user, "firn")
	}
	dir = filepath.Join(dir, locationHash(location))
	if err := makePrivate(dir); err != nil {
		c.detail("no cache: %v", err)
		return ""
	}
	c.detail("cache: %s", dir)
	return dir
}

// makePrivate makes a folder that only we can write, and proves that it can be written.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// locationHash names a repository by its place, whatever way leads there.
func locationHash(location string) string {
	if real, err := filepath.EvalSymlinks(location); err == nil {
		location = real
	}
	sum := sha256.Sum256([]byte(location))
	return hex.EncodeToString(sum[:8])
}
