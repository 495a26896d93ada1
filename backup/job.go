package backup

import (
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
	"firn/tags"
)

// Options say how one environment is backed up. The zero value takes a snapshot of the environment's database as its
// configuration says, and forgets nothing.
type Options struct {
	// Stream is read to its end and stored in place of a database file; nil for the file. The job can be run once only.
	// Whatever the stream holds is stored. If it holds a database, the snapshot is like any other.
	Stream     io.Reader
	StreamName string // is what messages call the stream; "" for "the stream"

	Export string       // how the file is read, in place of the configured way: see [snapshot.ExportPages]
	Tags   []string     // beside the configured ones
	Time   time.Time    // of the snapshot; zero for now
	Forget bool         // remove the snapshots that the rules of retention do not keep
	Keep   *config.Keep // the rules of retention, with Forget; nil for the configured ones

	ForceScan    bool // read every page, whatever the fingerprint of the file says
	IfChanged    bool // record nothing if nothing has changed
	Accept       bool // take the database for good, whatever is suspect about it
	Unproven     bool // do not look whether the database is sound
	BlockWriters bool // keep the application from committing for as long as a backup takes, if that cannot be helped
}

// Job is one database to back up, checked.
type Job struct {
	env          *config.Environment
	compact      bool
	blockWriters bool
	unproven     bool
	stream       io.Reader // in place of the environment's database; nil for the database
	streamName   string
	options      repo.BackupOptions
}

// NewJob checks an environment and the options of its backup before anything is done. The environment need not be in the
// configuration, whose rules of retention hold where the environment has none. A database without a name gets the default one.
func NewJob(conf *config.Config, env *config.Environment, o Options) (*Job, error) {
	env, err := checkEnvironment(env, o.Stream != nil)
	if err != nil {
		return nil, err
	}
	export := cmp.Or(o.Export, env.Export)
	if err := config.CheckExport(export); err != nil {
		return nil, outcome.Usage("", "%w", err)
	}
	set, err := allTags(env, o.Tags)
	if err != nil {
		return nil, err
	}
	j := &Job{
		env: env, compact: export == snapshot.ExportCompact, blockWriters: o.BlockWriters || env.BlockWriters, unproven: o.Unproven || !env.Proves(),
		stream: o.Stream, streamName: cmp.Or(o.StreamName, "the stream"),
		options: repo.BackupOptions{
			Environment: env.Name, Database: env.DatabaseName, Tags: set, Time: o.Time, ForceScan: o.ForceScan, IfChanged: o.IfChanged,
			Accept: o.Accept,
		},
	}
	if !o.Accept {
		j.options.Guard = env.GuardRule()
	}
	return j, j.keep(conf, o)
}

// NewJobs is [NewJob] for several environments. It returns the first error.
func NewJobs(conf *config.Config, envs []*config.Environment, o Options) (jobs []*Job, err error) {
	for _, env := range envs {
		j, err := NewJob(conf, env, o)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// keep sets the policy of retention.
func (j *Job) keep(conf *config.Config, o Options) error {
	if !o.Forget {
		if o.Keep != nil {
			return outcome.Usage("", "rules of retention are given, but the backup is not to forget any snapshot")
		}
		return nil
	}
	policy, err := conf.PolicyOf(j.env, o.Keep)
	j.options.Keep = &policy
	return err
}

// checkEnvironment returns a copy of an environment with its default values.
func checkEnvironment(env *config.Environment, stream bool) (*config.Environment, error) {
	e := *env
	if e.Name == "" || stream && e.DatabaseName == "" {
		return nil, outcome.Usage("", "a backup needs the name of an environment, and a name for its database")
	}
	if stream {
		return &e, config.CheckNames(e.Name, e.DatabaseName)
	}
	var err error
	if e.Database != "" {
		if !e.Remote() {
			e.Database, err = filepath.Abs(e.Database)
		}
		e.DatabaseName = cmp.Or(e.DatabaseName, config.DefaultDatabaseName(e.Database))
	}
	return &e, errors.Join(err, e.Validate())
}

// allTags returns the tags of an environment with some more.
func allTags(env *config.Environment, more []string) (tags.Set, error) {
	set, err := tags.New(env.Tags...)
	if err == nil {
		set, err = set.Add(more...)
	}
	if err != nil {
		return nil, outcome.Usage("", "%w", err)
	}
	return set, config.CheckTags(set, env.Name, env.DatabaseName)
}

// checkTime refuses a snapshot of the future.
func (j *Job) checkTime(now time.Time) error {
	if j.options.Time.After(now.Add(snapshot.ClockTolerance)) {
		return outcome.Usage("", "the time of the snapshot, %s, is in the future: until then, no other snapshot would be the latest", j.options.Time.Format(time.RFC3339))
	}
	return nil
}

// Environment returns the name of the environment that is backed up.
func (j *Job) Environment() string { return j.env.Name }

// lockParts name the lock of the job.
func (j *Job) lockParts() []string { return []string{"backup", j.env.Name, j.env.DatabaseName} }

// Lock takes the lock of the job for a process that watches the database, for as long as it does: see [session.Session.Lock].
func (j *Job) Lock(s *session.Session) (*session.RunLock, error) {
	return s.LockForWatch(j.lockParts()...)
}

// Engine returns how the engine is to take snapshots of the database, without retention. mayCheckWhole is asked before all pages of
// a database of so many bytes are checked.
func (j *Job) Engine(s *session.Session, mayCheckWhole func(size int64) bool) repo.BackupOptions {
	o := j.engine(s, mayCheckWhole)
	o.Keep = nil
	return o
}

// Reading returns how the database is to be read, by a process that holds the lock of the job.
func (j *Job) Reading(s *session.Session) sqlite.Options { return readOptions(s, j, false) }
