// Package session opens repositories by their location, with what the configuration and the environment say.
package session

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/pull"
	"firn/repo"
	"firn/report"
	"firn/store"
)

// Session is an open repository with the configuration and the program that it is used by. Its methods may be called by
// many goroutines at once.
type Session struct {
	*Caller
	opening   OpenOptions
	Conf      *config.Config
	Place     Place         // of the repository
	CacheDir  string        // of this repository; "" for none
	counter   store.Counter // of requests; nil if the place counts none
	place     io.Closer     // the connection to the place; nil if it has none to close
	spacer    store.Spacer  // tells the room in the place; nil if the place does not
	hosts     *pull.Hosts   // with databases; nil if none of them is used, as in the target of copies
	Repo      *repo.Repo
	before    func(store.Store) store.Store
	tried     config.KeySource // the key that was used
	rollbacks []*repo.Rollback // snapshots that this host has stored and that are not there
	accepted  bool             // this host takes that for true
}

// OpenOptions say how a repository is opened.
type OpenOptions struct {
	Repairing         bool // open also what only the cache can open
	OnlyExistingCache bool // make no cache folder
	Accepting         bool // take another repository than the one that was at this place before
}

// Start finds out where the repository is, without opening it.
func (c *Caller) Start(opening OpenOptions) (*Session, error) {
	conf, err := c.LoadConfig()
	if err != nil {
		return nil, err
	}
	c.Detail("configuration: %s", cmp.Or(conf.Path, "none"))
	return c.StartWith(conf, opening)
}

// StartWith is [Caller.Start] with a configuration that was read before, or made by the program.
func (c *Caller) StartWith(conf *config.Config, opening OpenOptions) (*Session, error) {
	s := c.Without(conf)
	s.opening = opening
	_, upErr := config.ParseRate("--limit-upload", c.Settings.LimitUpload)
	_, downErr := config.ParseRate("--limit-download", c.Settings.LimitDownload)
	_, sizeErr := s.cacheSize()
	err := cmp.Or(upErr, downErr, sizeErr) // wrong values are wrong for a folder, too
	if err != nil {
		return nil, outcome.Usage("", "%w", err)
	}
	s.Place, err = c.FindRepository(conf)
	return s, err
}

// Without returns a session without a repository, for what needs none. The caller closes its hosts.
func (c *Caller) Without(conf *config.Config) *Session {
	return &Session{Caller: c, Conf: conf, hosts: pull.NewHosts(conf.SSH.Access(), c.Tool)}
}

// CloseHosts ends the connections to other hosts with databases. [Session.Close] does so, too.
func (s *Session) CloseHosts() {
	if s.hosts != nil {
		s.hosts.Close()
	}
}

// WithConfig returns the same open repository with another configuration. Only one of the two is closed.
func (s *Session) WithConfig(conf *config.Config) *Session {
	other := *s
	other.Conf = conf
	return &other
}

// WithReporter returns the same open repository for work whose messages and progress go to another reporter. Only one of the two
// is closed.
func (s *Session) WithReporter(r *report.Reporter) *Session {
	other := *s
	other.Caller = s.Caller.WithReporter(r)
	return &other
}

// Open opens the repository. The caller closes the session.
func (c *Caller) Open(ctx context.Context, opening OpenOptions) (*Session, error) {
	s, err := c.Start(opening)
	if err != nil {
		return nil, err
	}
	if err := s.OpenRepository(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenRepository opens the repository of a session that was only started. The caller closes the session, unless there is
// an error.
func (s *Session) OpenRepository(ctx context.Context) error { return s.OpenWith(ctx, s.credential) }

// PutBefore puts a store before the one of a repository that is not open yet.
func (s *Session) PutBefore(before func(store.Store) store.Store) { s.before = before }

// CredentialFunc finds the key of a repository, and says where it is from.
type CredentialFunc func(context.Context, *config.Config) (crypt.Credential, config.KeySource, error)

// OpenWith opens the repository with a key that is asked for once the repository is there.
func (s *Session) OpenWith(ctx context.Context, credential CredentialFunc) error {
	err := s.openWith(ctx, credential)
	if err != nil {
		s.ClosePlace()
	}
	return err
}

func (s *Session) openWith(ctx context.Context, credential CredentialFunc) error {
	s.Detail("repository: %s", s.Place)
	st, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	if s.before != nil {
		st = s.before(st)
	}
	var key crypt.Credential
	if key, s.tried, err = credential(ctx, s.Conf); err != nil {
		return err
	}
	s.CacheDir = s.OpenCache(s.Place.String())
	opts, err := s.Options()
	if err != nil {
		return err
	}
	opts.Store, opts.Credential = st, key
	if s.Repo, err = repo.Open(ctx, opts); errors.Is(err, crypt.ErrWrongKey) {
		return fmt.Errorf("open repository with %s at %s: %w", s.tried, s.Place, err)
	} else if errors.Is(err, store.ErrFolder) { // on another host; see openStore for a folder of this one
		return fmt.Errorf("open repository %s: %w", s.Place, repo.ErrNotRepository)
	} else if err != nil {
		return fmt.Errorf("open repository %s: %w", s.Place, err)
	}
	if err := s.lookBack(ctx); err != nil {
		s.Repo.Close()
		return fmt.Errorf("open repository %s: %w", s.Place, err)
	}
	return nil
}

// Close lets go of the repository and reports its requests as a detail.
func (s *Session) Close() {
	s.Repo.Close()
	s.tellTraffic()
	s.CloseHosts()
	s.ClosePlace()
}

// ClosePlace ends the connection to the place of the repository, if there is one. A session whose repository was not opened
// is closed by this alone.
func (s *Session) ClosePlace() {
	if s.place == nil {
		return
	}
	if err := s.place.Close(); err != nil {
		s.Detail("close %s: %v", s.Place, err) // all that was promised is stored before
	}
	s.place = nil
}

// Options returns the options of the repository without the store and the key. A bucket is listed no more often than
// needed.
func (s *Session) Options() (repo.Options, error) {
	opts := repo.Options{
		CacheDir: s.CacheDir, StateDir: s.openState(), Host: HostName(), Tool: "firn " + s.Tool, Now: s.Now,
		Repairing: s.opening.Repairing, AcceptOther: s.opening.Accepting,
	}
	if s.Place.Kind != nil {
		opts.TrustCache = true
		var err error
		opts.CacheSize, err = s.cacheSize()
		return opts, err
	}
	return opts, nil
}

// HostName returns the name of this machine for records. People read it, and it tells whether the numbers of users in a
// record are those of this machine.
func HostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// FindRepository returns where the repository is.
func (c *Caller) FindRepository(conf *config.Config) (Place, error) {
	location := cmp.Or(c.Settings.Repository, c.Getenv("FIRN_REPOSITORY"), conf.Repository)
	if location == "" {
		return Place{}, outcome.Usage("Give --repository, set FIRN_REPOSITORY, or write a "+config.FileName+`: see "firn help flags".`, "no repository is given")
	}
	return c.ParsePlace(location, c.Endpoint(conf))
}

// locationHash returns a name for a repository that depends on its place alone, not on the symbolic links to it.
func locationHash(location string) string {
	if real, err := filepath.EvalSymlinks(location); err == nil {
		location = real
	}
	sum := sha256.Sum256([]byte(location))
	return hex.EncodeToString(sum[:8])
}
