// Package firn keeps the history of SQLite databases, for Go programs: it does what the command of the same name does.
//
// [Open] opens a repository in a folder or in a bucket. [Repository.Database] names a database, which may be in use by any
// number of programs. [Database.Backup] takes a snapshot of it, and stores only what is new, compressed and encrypted.
// [Database.Restore] puts a snapshot back. [Snapshot.DB] asks a snapshot with SQL, without restoring it.
//
// A Repository, its databases and its snapshots may be used by many goroutines at once. The package prints nothing, keeps
// nothing in global variables and handles no signals. Errors match the Err values of this package by [errors.Is];
// [Explain] has an exit code and a hint for each.
//
// A program opens its own database with modernc.org/sqlite, as this package does, or with a driver that is built on it. Another copy
// of SQLite in the same process, such as that of github.com/mattn/go-sqlite3, loses its locks whenever this package closes
// the file, and the database may be damaged: backups and restores fail with [ErrOtherSQLite]. Other processes may use any
// library.
//
// docs/embedding.md begins with whole programs.
package firn

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/store"
	"firn/upkeep"
)

// Options say how a repository is opened. A key is needed; every other field may be zero.
type Options struct {
	// KeyFile is the path of the key file, and Password a password. One of them is given, or the configuration names a key.
	KeyFile  string
	Password string

	// Create makes the repository if there is none, and the key file if it is missing. See [Repository.RecoveryKey].
	Create bool

	// ConfigFile is the path of a firn.toml, with all that it says of environments, buckets and limits. Without it no
	// file is read.
	ConfigFile string

	// Places are the kinds of places that the program uses beside folders: s3.Kind{} of package firn/store/s3 for
	// buckets, sftp.Kind{} of firn/store/sftp, rclone.Kind{} of firn/store/rclone, and remote.Kind{} of firn/store/remote for
	// folders that "firn store serve" serves. A program links the clients of those alone.
	Places []store.Kind

	// SSH says how to run the ssh program, for databases and places on other hosts; the zero value for most. With it, that of
	// ConfigFile does not count.
	SSH store.SSH

	// CacheDir is the folder for caches, "" for the usual folder of the user. What must outlive a cache is kept in a folder
	// beside it: what this host has stored, so that it notices a repository that was set back. NoCache does without the
	// cache: then a backup reads more of the repository.
	CacheDir string
	NoCache  bool

	// ForRepair opens also a repository whose configuration is lost and which this host has a copy of, for
	// [Repository.Diagnose].
	ForRepair bool

	// AllowOtherSQLite lets a program back up and restore that has another copy of SQLite linked in, such as that of
	// github.com/mattn/go-sqlite3. That copy must never open a database that this package backs up or restores.
	AllowOtherSQLite bool

	// AcceptRollback takes the repository for what it is now, although this host knows that it held more.
	AcceptRollback bool

	// Now is the clock, nil for the computer's. It must be safe for concurrent use.
	Now func() time.Time

	// Zone is the time zone of times in messages, and of references such as "2026-11-21"; nil for UTC.
	Zone *time.Location

	// Log takes what is worth a person's attention, with the levels Warn, Info and Debug; nil for no one. Progress is told
	// how far long tasks are; nil for none. Both are called by several goroutines at once, and hold up their task until they return.
	Log      *slog.Logger
	Progress func(Progress)
}

// Progress is how far a task is.
type Progress struct {
	Task  string // what is done, for people
	Done  int64  // bytes
	Total int64  // bytes; 0 if it is not known
	Ended bool   // the task is over, well or not
}

// Repository is an open repository. Its methods may be called by many goroutines at once. The programs of many hosts may
// have one repository open; none of them ever waits for another.
type Repository struct {
	session     *session.Session
	recovery    string
	allowsOther bool // see Options.AllowOtherSQLite

	mu   sync.Mutex
	conf *config.Config // never changed, but replaced
}

// Open opens the repository at a location: a folder, or a location of one of the kinds in [Options.Places], such as
// s3://bucket/prefix. With "" the configuration names it. The caller closes it.
//
// Errors: [ErrNotRepository] if there is none, [ErrWrongKey] if the key does not open it, and those of the place. A repository
// that holds less than this host has stored there is opened all the same, see [Repository.Rollback].
func Open(ctx context.Context, location string, o Options) (*Repository, error) {
	caller, err := newCaller(location, o)
	if err != nil {
		return nil, err
	}
	conf, err := caller.LoadConfig()
	if err != nil {
		return nil, err
	}
	if err := o.check(location, conf); err != nil {
		return nil, err
	}
	if o.SSH.Program != "" || o.SSH.Options != nil || o.SSH.Firn != "" {
		conf.SSH = config.SSH{Program: o.SSH.Program, Options: o.SSH.Options, Firn: o.SSH.Firn}
	}
	if o.ConfigFile == "" { // then there is no rule that the program has not given
		conf.Keep = *config.NewKeep(Keep{Last: All})
	}
	r := &Repository{conf: conf, allowsOther: o.AllowOtherSQLite}
	if r.session, r.recovery, err = openOrMake(ctx, caller, conf, o); err != nil {
		return nil, err
	}
	if o.AcceptRollback {
		if err := r.session.AcceptRollback(ctx); err != nil {
			r.session.Close()
			return nil, err
		}
	}
	return r, nil
}

// check refuses options that leave open what is meant.
func (o Options) check(location string, conf *config.Config) error {
	switch {
	case location == "" && conf.Repository == "":
		return outcome.Usage("Give its location, or an Options.ConfigFile that names it.", "no repository is given")
	case o.KeyFile != "" && o.Password != "":
		return outcome.Usage("Give Options.KeyFile or Options.Password.", "both a key file and a password are given")
	case o.KeyFile == "" && o.Password == "" && conf.KeySource().Count() == 0:
		return outcome.Usage("Give Options.KeyFile or Options.Password.", "no key is given")
	}
	return nil
}

// openOrMake opens the repository, or makes it if that was asked for. It returns the recovery key of a new one.
func openOrMake(ctx context.Context, c *session.Caller, conf *config.Config, o Options) (s *session.Session, recovery string, err error) {
	opening := session.OpenOptions{Accepting: o.AcceptRollback, Repairing: o.ForRepair}
	hasKey := func() bool { return o.KeyFile == "" || !site.Missing(o.KeyFile) }
	had := hasKey()
	if !o.Create || had {
		s, err := open(ctx, c, conf, opening)
		if !o.Create || !errors.Is(err, ErrNotRepository) {
			return s, "", err
		}
	}
	made, err := upkeep.Init(ctx, c)
	switch {
	case errors.Is(err, ErrExists) && hasKey(): // another program has made it meanwhile
		s, err := open(ctx, c, conf, opening)
		return s, "", err
	case errors.Is(err, fs.ErrExist) && hasKey() && !had: // another program has made the key file, and makes the repository
		return openOrMake(ctx, c, conf, o)
	case err != nil:
		return nil, "", err
	}
	made.Session.Close()
	if made.KeyFile != "" {
		recovery = made.Recovery.String()
	}
	s, err = open(ctx, c, conf, opening)
	return s, recovery, err
}

func open(ctx context.Context, c *session.Caller, conf *config.Config, opening session.OpenOptions) (*session.Session, error) {
	s, err := c.StartWith(conf, opening)
	if err != nil {
		return nil, err
	}
	if err := s.OpenRepository(ctx); err != nil {
		return nil, err
	}
	s.Repo.Refresh() // the program may have waited for another one since
	return s, nil
}

// newCaller returns what the session has to know of the program.
func newCaller(location string, o Options) (*session.Caller, error) {
	cache, err := absolute(o.CacheDir)
	if err != nil {
		return nil, err
	}
	c := &session.Caller{
		Reporter: newReporter(o),
		Settings: session.Settings{
			Config: o.ConfigFile, NoConfig: true, Repository: location,
			KeyFile: o.KeyFile, Password: o.Password, CacheDir: cache, NoCache: o.NoCache, Origin: "the options",
		},
		Input: strings.NewReader(""), Getenv: surroundings, Now: o.Now, Zone: cmp.Or(o.Zone, time.UTC), Tool: version(), Kinds: o.Places,
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.HookFailed = func(environment, hook string, output []byte) {
		c.Warn("%s: the %s command says: %s", environment, hook, output)
	}
	return c, nil
}

// absolute returns a path that stays the same when the program changes its working folder. "" stays "".
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// surroundings returns environment variables but for those of the command firn: a program says itself what it wants.
func surroundings(name string) string {
	if strings.HasPrefix(name, "FIRN_") {
		return ""
	}
	return os.Getenv(name)
}

// version returns the version of firn that the program was built with.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	module := reflect.TypeFor[Options]().PkgPath() // this package is in the module's root
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			return cmp.Or(m.Version, "unknown")
		}
	}
	return "unknown"
}

// newReporter passes on what a run has to say.
func newReporter(o Options) *report.Reporter {
	r := &report.Reporter{}
	if o.Log != nil {
		r.Warned = func(text string) { o.Log.Warn(text) }
		r.Noted = func(text string) { o.Log.Info(text) }
		r.Detailed = func(text string) { o.Log.Debug(text) }
		r.Failed = func(err error) { o.Log.Error(err.Error()) }
	}
	if o.Progress != nil {
		r.Started = func(task string, total int64) report.Meter {
			return &meter{tell: o.Progress, now: Progress{Task: task, Total: total}}
		}
	}
	return r
}

// meter passes on how far a task is.
type meter struct {
	tell func(Progress)

	mu  sync.Mutex
	now Progress
}

// Set takes the bytes that are done.
func (m *meter) Set(done int64) { m.update(func(p *Progress) { p.Done = done }) }

// SetTotal takes the bytes that are done, of so many.
func (m *meter) SetTotal(done, total int64) {
	m.update(func(p *Progress) { p.Done, p.Total = done, total })
}

// Done ends the task.
func (m *meter) Done() { m.update(func(p *Progress) { p.Ended = true }) }

func (m *meter) update(change func(*Progress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.now)
	m.tell(m.now)
}

// Close lets go of the repository. It is the last call: what was begun with the repository has ended before.
func (r *Repository) Close() error {
	r.session.Close()
	return nil
}

// RecoveryKey returns the second key of a repository that [Open] has just made together with a key file, else "". Keep
// it on paper or on another machine: it opens the repository when the key file is lost, and is not shown again. Saved as the one
// line of a file it is a key file.
func (r *Repository) RecoveryKey() string { return r.recovery }

// Location returns where the repository is, without secrets.
func (r *Repository) Location() string { return r.session.Place.String() }

// with returns the session with all environments that are known by now.
func (r *Repository) with() *session.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session.WithConfig(r.conf)
}

// learn has all operations from now on know of an environment. Its name is that of one database: by the name alone, a restore
// would find the file of another one.
func (r *Repository) learn(env *config.Environment) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.conf.Lookup(env.Name); known != nil && known.Database != env.Database {
		return outcome.Usage("Give each database an environment of its own.", "it is already that of %s, and not of %s", known.Database, env.Database)
	}
	r.conf = withEnvironment(r.conf, env)
	return nil
}

// withEnvironment returns a configuration that has one more environment, or another one of that name.
func withEnvironment(known *config.Config, env *config.Environment) *config.Config {
	conf := *known
	conf.Env = maps.Clone(conf.Env)
	if conf.Env == nil {
		conf.Env = make(map[string]*config.Environment)
	}
	conf.Env[env.Name] = env
	return &conf
}

// Environments returns the names of the environments of [Options.ConfigFile] and of [Repository.Database], sorted. Those of a pattern
// are there as long as their files are. A pattern whose folder cannot be listed gives a warning and no names.
func (r *Repository) Environments() []string {
	s := r.with()
	found := s.Conf.All()
	for _, err := range found.Errors {
		s.Warn("%v", err)
	}
	return found.Names()
}

// Rollback returns an error that matches [ErrRolledBack] if the repository held less, when it was opened, than this host
// has stored there: an old copy was put in its place, for instance. Everything works with what is there, but
// [Repository.Find] does not take an older snapshot for a newer one that is gone. [Options.AcceptRollback] ends it.
func (r *Repository) Rollback() error { return r.session.Unaccepted() }

// errNoName is the error of an environment without a name.
var errNoName = errors.New("the environment has no name")
