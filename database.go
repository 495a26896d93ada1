package firn

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"firn/backup"
	"firn/config"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// Environment says how a database is kept. Name is needed; every other field may be zero.
type Environment struct {
	Name         string   // such as "production": snapshots are found by it
	DatabaseName string   // "" for the file's name without its extension
	Tags         []string // of its snapshots, beside those of firn

	// Keep says which snapshots stay when a backup forgets. The zero value keeps all of them.
	Keep Keep

	// MaxShrink is the share of its rows, up to 1, that a database may lose between two backups before its snapshot is suspect. 0 means
	// one half. NoGuard takes everything for good, lost tables too.
	MaxShrink float64
	NoGuard   bool

	MaxAge        time.Duration // of the newest snapshot, for [Repository.Status]; 0 for 25 hours
	Scrub         string        // path of a file with SQL that clones of other environments go through before they go live
	RequireScrub  bool          // clones from here, or to here, must be scrubbed
	Verify        string        // a query for rows that must not exist, for [Snapshot.Verify]
	Compact       bool          // read by VACUUM INTO: smaller alone, but new every time
	Unproven      bool          // backups do not look whether the database is sound
	NoForeignKeys bool          // a row without its parent is no fault of the database
	BlockWriters  bool          // keep others from committing for as long as a backup takes, if that cannot be helped

	// Before, After and OnFailure are commands of the shell around a backup, and Stop and Start around a restore. Ping is the
	// address of a monitor.
	Before, After, OnFailure string
	Stop, Start              string
	Ping                     string
}

// Keep is a policy of retention: which snapshots stay.
type Keep = retention.Policy

// All is a number of snapshots without a bound, for the fields of [Keep].
const All = retention.All

// DefaultKeep keeps the last 10 snapshots, and the newest of 24 hours, 7 days, 4 weeks, 6 months and every year.
func DefaultKeep() Keep { return config.DefaultPolicy() }

// configure returns the environment as a configuration has it.
func (e Environment) configure(path string) (*config.Environment, error) {
	if e.Name == "" {
		return nil, errNoName
	}
	file := path
	if !config.IsRemote(path) {
		var err error
		if file, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	scrub, err := absolute(e.Scrub)
	if err != nil {
		return nil, err
	}
	keep := e.Keep
	if keep.IsZero() {
		keep.Last = All
	}
	if err := keep.Validate(); err != nil {
		return nil, err
	}
	if e.MaxAge < 0 {
		return nil, fmt.Errorf("the age of the newest snapshot cannot be %s", e.MaxAge)
	}
	env := &config.Environment{
		Name: e.Name, DatabaseName: e.DatabaseName, NamesDatabase: e.DatabaseName != "", Database: file, Tags: e.Tags,
		MaxAge: config.Duration{Duration: e.MaxAge}, Scrub: scrub, RequireScrub: e.RequireScrub, Verify: e.Verify, BlockWriters: e.BlockWriters,
		Before: e.Before, After: e.After, OnFailure: e.OnFailure, Stop: e.Stop, Start: e.Start, Ping: e.Ping,
	}
	if env.DatabaseName == "" {
		env.DatabaseName = config.DefaultDatabaseName(file)
	}
	if e.Compact {
		env.Export = snapshot.ExportCompact
	}
	if e.Unproven {
		env.Prove = new(bool)
	}
	if e.NoForeignKeys {
		env.ForeignKeys = new(bool)
	}
	if e.NoGuard {
		guard := false
		env.Guard = &guard
	}
	if e.MaxShrink != 0 {
		env.MaxShrink = config.NewShare(e.MaxShrink)
	}
	env.Keep = *config.NewKeep(keep)
	return env, env.Validate()
}

// Database is a database file that a repository keeps the history of. Its methods may be called by many goroutines at
// once; of two backups of one database at the same time, the second fails with [ErrRunning].
type Database struct {
	repository *Repository
	env        *config.Environment
	forgets    bool  // a policy is given
	err        error // of the environment
}

// Database names the database file at a path, and says how it is kept. A database on another host is named by its location,
// ssh://user@host/path: firn there reads it, and knows neither the key nor the repository. Nothing is read yet. An environment that cannot be
// is an error of every method, and so is the environment of another file: each database has one of its own.
func (r *Repository) Database(path string, e Environment) *Database {
	env, err := e.configure(path)
	if err == nil {
		err = r.learn(env)
	}
	if err != nil {
		return &Database{repository: r, err: fmt.Errorf("environment %q: %w", e.Name, err)}
	}
	return &Database{repository: r, env: env, forgets: !e.Keep.IsZero()}
}

// with returns the session in which the environment is as this database has it, whatever another [Database] of the same
// file says.
func (d *Database) with() *session.Session {
	s := d.repository.with()
	return s.WithConfig(withEnvironment(s.Conf, d.env))
}

// Environment returns the database of an environment in [Options.ConfigFile], or one that [Repository.Database] has
// named.
func (r *Repository) Environment(name string) *Database {
	env, err := r.with().Conf.Environment(name)
	return &Database{repository: r, env: env, forgets: true, err: err}
}

// Path returns the absolute path of the database file, or its location on another host, "" if the environment is not known.
func (d *Database) Path() string {
	if d.env == nil {
		return ""
	}
	return d.env.Database
}

// BackupOptions say how one backup is done. The zero value takes a snapshot, forgets old ones by [Environment.Keep], and
// frees their space when that is due.
type BackupOptions struct {
	Tags      []string  // beside those of the environment
	Time      time.Time // of the snapshot; zero for now
	IfChanged bool      // record nothing if nothing has changed
	Accept    bool      // take the database for good, whatever is suspect about it
	ForceScan bool      // read every page, whatever the fingerprint of the file says
	DryRun    bool      // write nothing
	KeepAll   bool      // forget nothing, and free no space
}

// BackupResult tells what a backup has done. Its values are not to be changed.
type BackupResult struct {
	*backup.Result
	Snapshot *Snapshot           // the new one, or the one before if nothing was recorded
	Pruned   []*repo.PruneResult // of freeing space, if it was due
}

// Backup takes a snapshot of the database, which may be in use. It does what the command does: the run lock, the commands
// around it, the guard, retention, and the freeing of space if that is due.
//
// There may be a result with an error: then the snapshot is stored, and something else went wrong. A snapshot that is probably not
// meant has a [*SuspectError]; the last good one is kept until a backup with Accept.
func (d *Database) Backup(ctx context.Context, o BackupOptions) (*BackupResult, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.backUp(ctx, o, nil)
}

// backUp takes a snapshot of the database, or of a stream that is not nil.
func (d *Database) backUp(ctx context.Context, o BackupOptions, stream io.Reader) (*BackupResult, error) {
	if stream == nil {
		if err := d.repository.refuseOther(); err != nil {
			return nil, err
		}
	}
	s := d.with()
	forget := d.forgets && !o.KeepAll
	job, err := backup.NewJob(s.Conf, d.env, backup.Options{
		Stream: stream, Tags: o.Tags, Time: o.Time, Forget: forget, ForceScan: o.ForceScan, IfChanged: o.IfChanged, Accept: o.Accept,
	})
	if err != nil {
		return nil, err
	}
	run := backup.NewRun(s, backup.RunOptions{DryRun: o.DryRun})
	result, err := run.BackUp(ctx, job)
	if result == nil {
		return nil, err
	}
	r := &BackupResult{Result: result, Snapshot: d.repository.snapshot(result.BackupResult.Snapshot)}
	if err == nil && forget {
		r.Pruned, err = run.Prune(ctx)
	}
	return r, err
}

// BackUpStream stores what a stream holds under a name, whatever that is. If it is a database file, the snapshot is like any
// other; else [Snapshot.Dump] gives the bytes back. The environment says how the snapshots are kept; its fields about
// files are not used.
func (r *Repository) BackUpStream(ctx context.Context, stream io.Reader, name string, e Environment, o BackupOptions) (*BackupResult, error) {
	keep := e.Keep
	if keep.IsZero() {
		keep.Last = All
	}
	env := &config.Environment{Name: e.Name, DatabaseName: name, Tags: e.Tags, Keep: *config.NewKeep(keep)}
	if err := config.CheckNames(e.Name, name); err != nil {
		return nil, err
	}
	d := &Database{repository: r, env: env, forgets: !e.Keep.IsZero()}
	return d.backUp(ctx, o, stream)
}

// Snapshots returns the snapshots of the database, the newest first. See [Repository.Snapshots] about errors.
func (d *Database) Snapshots(ctx context.Context) ([]*Snapshot, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.repository.Snapshots(ctx, Filter{Environment: d.env.Name, Database: d.env.DatabaseName})
}

// Latest returns the newest snapshot that a backup took of the database, [ErrNotFound] if there is none.
func (d *Database) Latest(ctx context.Context) (*Snapshot, error) {
	if d.err != nil {
		return nil, d.err
	}
	known, err := d.with().Catalog(ctx)
	if err != nil {
		return nil, err
	}
	own := session.Filter(known.All, Filter{Environment: d.env.Name, Database: d.env.DatabaseName})
	newest, err := known.Find(own, "latest:"+d.env.Name, false)
	if err != nil {
		return nil, err
	}
	return d.repository.snapshot(newest), nil
}

// At returns the newest snapshot that a backup took of the database and that is not later than a moment. See
// [Repository.FindAt].
func (d *Database) At(ctx context.Context, moment time.Time) (*Snapshot, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.repository.FindAt(ctx, Filter{Environment: d.env.Name, Database: d.env.DatabaseName}, moment)
}
