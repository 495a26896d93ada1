package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/backup"
	"firn/config"
	"firn/internal/manual"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/snapshot"
)

// backupOptions are the flags of backup.
type backupOptions struct {
	all, stdin                          bool
	database, from, env, name, export   string
	time                                string
	metricsFile                         string
	tags                                []string
	prune, ifChanged, dryRun, forceScan bool
	accept, unproven, blockWriters      bool
	keep                                *keepFlags
}

// backupName is the name of the command. Cron runs it, so its errors of usage are reported to monitors.
const backupName = "backup"

func newBackup(c *cli) *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   backupName + " ENV... | --all | --database FILE --env NAME | --stdin",
		Short: "Take snapshots of databases",
		Long: `Takes a snapshot of each environment's database, while applications use it. The
database is only read.

With several environments, a failure of one does not stop the others. The name of a
pattern ("tenant-*") stands for all files that fit it now.

A database is suspect if it has lost a table or most of its rows, or if it suddenly
belongs to another application. Its snapshot is marked as suspect, and the run fails.
The last good snapshot is kept until a run with --accept accepts the database.

With --prune, the same run thins old snapshots by the retention rules and frees their
space. This is the command for cron.

With --all or --quiet, an environment that has no database and never had a snapshot is
left out: there is nothing yet. Without them, and once there is a snapshot, a missing
database is an error.

With --stdin, firn stores the data from standard input, whatever it is. A database file
makes a snapshot like any other. Other data cannot be restored into a database;
"firn dump" writes it out again.`,
		Example: `  firn backup production
  firn backup --all --prune --quiet
  firn backup --database /srv/app.db --env production --prune --keep-last 10
  pg_dump app | firn backup --stdin --name app.sql`,
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.backup(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "all configured environments")
	f.StringVar(&o.database, "database", "", "database `file`, without a configured environment")
	f.StringVar(&o.from, "from", "", "`location` of a database on another host: ssh://...")
	f.BoolVar(&o.stdin, "stdin", false, "any data from standard input, in place of a database")
	f.StringVar(&o.env, "env", "", "`name` of the environment (default with --stdin: stdin)")
	f.StringVar(&o.name, "name", "", "`name` of the database (default: the file's name)")
	f.StringVar(&o.export, "export", "", "`how` to read: pages, or compact for VACUUM INTO (default: pages)")
	complete(cmd, "export", snapshot.ExportPages, snapshot.ExportCompact)
	f.StringArrayVar(&o.tags, "tag", nil, "add these `tags`, separated by commas")
	f.StringVar(&o.time, "time", "", "`time` of the snapshot: RFC 3339, or \"2006-01-02 15:04:05\" (default: now)")
	f.BoolVar(&o.ifChanged, "if-changed", false, "record nothing if the database has not changed")
	f.BoolVar(&o.accept, "accept", false, "accept the database, even if it is suspect")
	f.BoolVar(&o.forceScan, "force-scan", false, "read every page, even if the file's fingerprint is unchanged")
	f.BoolVar(&o.unproven, "unproven", false, "do not look whether the database is sound")
	f.BoolVar(&o.blockWriters, "block-writers", false, "if the backup must block the application's commits, block them for its whole time")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, show what would be stored")
	f.BoolVar(&o.prune, "prune", false, "then forget old snapshots, and free their space")
	o.keep = newKeepFlags(f, true)
	f.StringVar(&o.metricsFile, "metrics-file", "", "write the outcome to this `file`, for Prometheus")
	manual.Rare(f, "export", "time", "metrics-file", "force-scan", "unproven", "block-writers")
	c.addJSONFlag(cmd)
	return cmd
}

// backup runs the command: backups one after another, then a prune if that was asked for.
func (c *cli) backup(ctx context.Context, args []string, o backupOptions) error {
	r, jobs, listing, err := c.beginBackup(ctx, args, o)
	if err != nil {
		return err
	}
	defer r.Close()
	due := slices.DeleteFunc(slices.Clone(jobs), func(j *backup.Job) bool {
		if !o.all && !c.flags.quiet {
			return false
		}
		none, err := r.run.NothingYet(ctx, j)
		if err == nil && none {
			c.note("%s", r.NothingYetText(j.Environment()))
		}
		return err == nil && none
	})
	r.run.BackUpAll(ctx, due, func(_ *backup.Job, _ *backup.Result, err error) { r.outcomes.add(err, len(jobs) > 1) })
	for _, err := range r.run.Unlisted(ctx, listing) {
		r.outcomes.add(err, true)
	}
	if o.prune && ctx.Err() == nil {
		r.prune(ctx)
	}
	err = r.end()
	if ctx.Err() != nil {
		return r.stopped(len(jobs))
	}
	return err
}

// backupRun is one run of backup with the outcomes of its environments.
type backupRun struct {
	*opened
	run       *backup.Run
	dryRun    bool
	outcomes  outcomes
	pruneErr  error
	summaries []answer.Backup
}

// beginBackup finds the databases to back up and opens the repository; the caller closes it. An error is also reported to the
// commands, monitors and metrics of the named environments.
func (c *cli) beginBackup(ctx context.Context, args []string, o backupOptions) (*backupRun, []*backup.Job, *config.Listing, error) {
	conf, err := c.program.LoadConfig()
	var jobs []*backup.Job
	var listing *config.Listing
	if err == nil {
		jobs, listing, err = c.jobs(conf, args, o)
	}
	var s *opened
	if err == nil {
		s, err = c.open(ctx, session.OpenOptions{})
	}
	if err != nil {
		c.applyFlags()
		conf = cmp.Or(conf, &config.Config{})
		backup.NotBegun(ctx, c.program, conf, o.knownEnvironments(conf, args), o.runOptions(), err)
		return nil, nil, nil, err
	}
	r := &backupRun{opened: s, dryRun: o.dryRun, outcomes: outcomes{cli: c}}
	options := o.runOptions()
	options.Taken = r.reportTaken
	r.run = backup.NewRun(s.Session, options)
	return r, jobs, listing, nil
}

// reportTaken prints a snapshot as soon as it is taken, and keeps its summary.
func (r *backupRun) reportTaken(result *backup.Result) {
	r.summaries = append(r.summaries, answer.NewBackup(result))
	r.Done("%s", result.Summary(r.Zone))
}

// prune frees space after the backups. [backupRun.end] returns its error.
func (r *backupRun) prune(ctx context.Context) {
	results, err := r.run.Prune(ctx)
	for _, result := range results {
		err = cmp.Or(err, r.reportPrune(result, r.dryRun, true))
	}
	r.pruneErr = err
}

// end prints the summaries in JSON, which are the last output, and returns the one error of the whole run.
func (r *backupRun) end() error {
	if r.json {
		for _, m := range r.summaries {
			if err := r.printJSON(m); err != nil {
				return err
			}
		}
	}
	failed := r.outcomes.outcome()
	if failed == nil {
		return r.pruneErr
	}
	if r.pruneErr != nil {
		r.fail(r.pruneErr)
	}
	return failed
}

// stopped returns the error of an interrupted run, which says what the run has left.
func (r *backupRun) stopped(jobs int) error {
	left := "what was stored of another one serves the next run, or is freed by a prune after a day"
	if r.dryRun {
		left = "it was a dry run"
	}
	return outcome.New(fmt.Errorf("interrupted: %d of %s taken; %s", r.outcomes.succeeded, report.Plural(jobs, "snapshot"), left), outcome.CodeInterrupted, "")
}

// reportWrongFlags reports a backup with wrong flags, such as a line of cron that an update has made wrong, to the monitors of
// each configured environment that the arguments name. The values of flags are not known yet.
func (c *cli) reportWrongFlags(ctx context.Context, cause error) {
	conf, err := c.program.LoadConfig()
	if err != nil {
		return // perhaps the wrong flag should name the configuration
	}
	c.applyFlags()
	named := backupOptions{all: slices.Contains(c.args, "--all")}
	backup.NotBegun(ctx, c.program, conf, named.knownEnvironments(conf, c.args), backup.RunOptions{}, cause)
}
