package cmd

import (
	"cmp"
	"errors"
	"path/filepath"

	"firn/backup"
	"firn/config"
	"firn/outcome"
	"firn/tags"
)

// stdinEnvironment is the environment of streams if --env is not given.
const stdinEnvironment = "stdin"

// runOptions returns the options of the whole run, from the flags.
func (o backupOptions) runOptions() backup.RunOptions {
	return backup.RunOptions{DryRun: o.dryRun, MetricsFile: o.metricsFile}
}

// jobs returns the backups to do, and the listing that they are from. It checks all arguments and flags, so that a wrong one is
// noticed before the first backup.
func (c *cli) jobs(conf *config.Config, args []string, o backupOptions) ([]*backup.Job, *config.Listing, error) {
	listing, err := o.environments(conf, args)
	if err != nil {
		return nil, nil, err
	}
	options, err := c.jobOptions(o)
	if err != nil {
		return nil, nil, err
	}
	jobs, err := backup.NewJobs(conf, listing.Environments, options)
	return jobs, listing, err
}

// jobOptions returns the options of each backup, from the flags.
func (c *cli) jobOptions(o backupOptions) (options backup.Options, err error) {
	options = backup.Options{
		Export: o.export, Forget: o.prune,
		ForceScan: o.forceScan, IfChanged: o.ifChanged, Accept: o.accept, Unproven: o.unproven, BlockWriters: o.blockWriters,
	}
	if o.stdin {
		options.Stream, options.StreamName = c.program.Input, "standard input"
	}
	if options.Keep, err = o.keep.rules(); err != nil {
		return options, err
	}
	if options.Time, err = c.program.ParseBackupTime(o.time); err != nil {
		return options, err
	}
	if err := config.CheckExport(o.export); err != nil {
		return options, outcome.Usage("", "--export: %w", err)
	}
	for _, list := range o.tags {
		more, err := tags.Parse(list)
		if err != nil {
			return options, outcome.Usage("", "%w", err)
		}
		options.Tags = append(options.Tags, more...)
	}
	if options.Keep != nil && !o.prune {
		return options, outcome.Usage("", "--keep-... needs --prune")
	}
	return options, nil
}

// environments returns the environments that the arguments and flags name.
func (o backupOptions) environments(conf *config.Config, args []string) (*config.Listing, error) {
	if o.from != "" {
		env, err := o.remoteEnvironment(conf, args)
		return &config.Listing{Environments: []*config.Environment{env}}, err
	}
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
		return &config.Listing{Environments: []*config.Environment{env}}, err
	}
	if o.database != "" {
		env, err := o.flagEnvironment()
		return &config.Listing{Environments: []*config.Environment{env}}, err
	}
	if o.env != "" || o.name != "" {
		return nil, outcome.Usage("To back up a configured environment, name it without --env.", "--env and --name need --database or --stdin")
	}
	switch {
	case o.all && len(conf.Tables()) > 0:
		return conf.All(), nil
	case len(args) == 0:
		return nil, outcome.Usage("Name an environment, or give --all, or --database FILE --env NAME.", "nothing to back up is named")
	}
	return conf.Select(args)
}

// knownEnvironments returns the environments that the arguments and flags name, without those that the configuration does not have.
// It is for errors, when the configuration or an argument may be wrong.
func (o backupOptions) knownEnvironments(conf *config.Config, args []string) []*config.Environment {
	if o.stdin || o.database != "" || o.from != "" {
		named, err := o.environments(conf, args)
		if err != nil {
			return nil
		}
		return named.Environments
	}
	if o.all {
		args = conf.TableNames()
	}
	return conf.Known(args)
}

// flagEnvironment returns the environment of --database, --env and --name.
func (o backupOptions) flagEnvironment() (*config.Environment, error) {
	if o.env == "" {
		return nil, outcome.Usage("", "--database needs --env: the name of the environment it belongs to")
	}
	path, err := filepath.Abs(o.database)
	env := &config.Environment{Name: o.env, Database: path, DatabaseName: cmp.Or(o.name, config.DefaultDatabaseName(path))}
	return env, errors.Join(err, env.Validate())
}

// remoteEnvironment returns the environment of --from, which an argument or --env names. If it is configured, its values count but
// for the database.
func (o backupOptions) remoteEnvironment(conf *config.Config, args []string) (*config.Environment, error) {
	if o.all || o.stdin || o.database != "" || len(args) > 1 || len(args) == 1 && o.env != "" {
		return nil, outcome.Usage("", "--from is for one environment, and goes without --all, --database and --stdin")
	}
	name := o.env
	if len(args) == 1 {
		name = args[0]
	}
	if name == "" {
		return nil, outcome.Usage("firn backup ENV --from ssh://user@host/path", "--from needs the name of the environment that the database belongs to")
	}
	if !config.IsRemote(o.from) {
		return nil, outcome.Usage("The form is ssh://user@host:port/path. For a file of this host there is --database.", "--from %q is no database on another host", o.from)
	}
	env := config.Environment{Name: name}
	if known := conf.Lookup(name); known != nil {
		env = *known
	}
	env.Pattern, env.From, env.Database = "", "", o.from
	env.DatabaseName = cmp.Or(o.name, env.DatabaseName, config.DefaultDatabaseName(o.from))
	if err := env.Validate(); err != nil {
		return nil, outcome.Usage("The form is ssh://user@host:port/path.", "%w", err)
	}
	return &env, nil
}

// streamEnvironment returns the environment of a stream. It has no commands and no monitor: if an environment with the same name
// is configured, its commands and its monitor are for its own database.
func (o backupOptions) streamEnvironment() (*config.Environment, error) {
	if o.name == "" {
		return nil, outcome.Usage("", "--stdin needs --name: the name under which the stream is stored")
	}
	if o.export != "" || o.forceScan {
		return nil, outcome.Usage("", "--export and --force-scan are for databases that firn reads itself, not for --stdin")
	}
	env := &config.Environment{Name: cmp.Or(o.env, stdinEnvironment), DatabaseName: o.name}
	return env, config.CheckNames(env.Name, env.DatabaseName)
}
