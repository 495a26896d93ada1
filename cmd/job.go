package cmd

import (
	"cmp"
	"errors"
	"path/filepath"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/tags"
)

// job is one database to back up.
type job struct {
	env          *config.Environment
	environment  string
	database     string // name
	path         string
	compact      bool
	stream       bool // standard input, not a file
	blockWriters bool // for as long as it takes
	options      repo.BackupOptions
}

// jobs finds out what to back up, and refuses what is wrong before anything is done.
func (c *cli) jobs(conf *config.Config, args []string, o backupOptions) ([]job, error) {
	envs, err := o.environments(conf, args)
	if err != nil {
		return nil, err
	}
	if o.rules, err = o.keep.rules(); err != nil {
		return nil, err
	}
	at, err := c.parseTime(o.time)
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, env := range envs {
		j, err := o.job(conf, env)
		if err != nil {
			return nil, err
		}
		j.options.Time = at
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// environments returns the ones that the arguments name.
func (o backupOptions) environments(conf *config.Config, args []string) ([]*config.Environment, error) {
	named := 0
	for _, given := range []bool{len(args) > 0, o.all, o.database != "", o.stdin} {
		if given {
			named++
		}
	}
	if named > 1 {
		return nil, outcome.Usage("", "give environments, or --all, or --database, or --stdin: only one of them")
	}
	if o.stdin {
		env, err := o.streamEnvironment()
		return []*config.Environment{env}, err
	}
	if o.database != "" {
		env, err := o.flagEnvironment()
		return []*config.Environment{env}, err
	}
	if o.env != "" || o.name != "" {
		return nil, outcome.Usage("To back up a configured environment, name it without --env.", "--env and --name need --database or --stdin")
	}
	if o.all {
		args = conf.Names()
	}
	if len(args) == 0 {
		return nil, outcome.Usage("Name an environment, or give --all, or --database FILE --env NAME.", "nothing to back up is named")
	}
	var envs []*config.Environment
	for _, name := range args {
		env, err := conf.Environment(name)
		if err != nil {
			return nil, err
		}
		envs = append(envs, env)
	}
	return envs, nil
}

// known returns those that the arguments name, as far as the configuration knows them:
// something may be wrong with it.
func (o backupOptions) known(conf *config.Config, args []string) []*config.Environment {
	if o.stdin || o.database != "" {
		envs, err := o.environments(conf, nil)
		if err != nil {
			return nil
		}
		return envs
	}
	if o.all {
		args = conf.Names()
	}
	var envs []*config.Environment
	for _, name := range args {
		if env := conf.Env[name]; env != nil {
			envs = append(envs, env)
		}
	}
	return envs
}

func (o backupOptions) flagEnvironment() (*config.Environment, error) {
	if o.env == "" {
		return nil, outcome.Usage("", "--database needs --env: the name of the environment it belongs to")
	}
	path, err := filepath.Abs(o.database)
	env := &config.Environment{Name: o.env, Database: path, DatabaseName: cmp.Or(o.name, config.DefaultDatabaseName(path))}
	return env, errors.Join(err, env.Validate())
}

// job says how to back up one environment.
func (o backupOptions) job(conf *config.Config, env *config.Environment) (job, error) {
	export := cmp.Or(o.export, env.Export)
	if err := config.CheckExport(export); err != nil {
		return job{}, outcome.Usage("", "--export: %w", err)
	}
	set, err := tags.New(env.Tags...)
	for _, list := range o.tags {
		if err == nil {
			var more []string
			if more, err = tags.Parse(list); err == nil {
				set, err = set.Add(more...)
			}
		}
	}
	if err != nil {
		return job{}, outcome.Usage("", "%w", err)
	}
	if err := config.CheckTags(set, env.Name, env.DatabaseName); err != nil {
		return job{}, err
	}
	j := job{env: env, environment: env.Name, database: env.DatabaseName, path: env.Database, compact: export == snapshot.ExportCompact, stream: o.stdin}
	j.blockWriters = o.blockWriters || env.BlockWriters
	j.options = repo.BackupOptions{
		Environment: env.Name, Database: env.DatabaseName, Tags: set,
		ForceScan: o.forceScan, IfChanged: o.ifChanged, DryRun: o.dryRun,
	}
	if !o.accept {
		j.options.Guard = env.GuardRule()
	}
	if o.prune {
		var keep retention.Policy
		keep, err = conf.Policy(env.Name, o.rules)
		j.options.Keep = &keep
	} else if o.rules != nil {
		err = outcome.Usage("", "--keep-... needs --prune")
	}
	return j, err
}

const dateTimeSeconds = "2006-01-02 15:04:05"

// parseTime reads a time of the past; none is the zero time.
func (c *cli) parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.ParseInLocation(dateTimeSeconds, text, c.program.Zone)
	}
	if err != nil {
		return t, outcome.Usage(`Write 2026-11-21T03:12:00Z, or "2026-11-21 03:12:00" for local time.`, "--time %q is not a time", text)
	}
	if t.After(c.program.Now().Add(snapshot.ClockTolerance)) {
		return t, outcome.Usage("", "--time %s is in the future: until then, no other snapshot would be the latest", text)
	}
	return t, nil
}
