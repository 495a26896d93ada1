package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// backupOptions are the flags of backup.
type backupOptions struct {
	all, stdin                          bool
	database, env, name, export, time   string
	metricsFile                         string
	tags                                []string
	prune, ifChanged, dryRun, forceScan bool
	accept, blockWriters                bool
	keep                                *keepFlags
	rules                               *config.Keep // that the flags make, nil for the configured ones
}

// backupName is the name of the command for cron.
const backupName = "backup"

func newBackup(c *cli) *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:     backupName + " ENV... | --all | --database FILE --env NAME | --stdin --name NAME",
		Short:   "Take snapshots of databases",
		GroupID: groupMain,
		Long: `Takes a snapshot of each environment's database, while applications use it. The
database is only read. With several environments, one that fails does not stop the
others.

A database that has lost a table or most of its rows, or that is another application's
all at once, gets a snapshot that is marked suspect, and the run fails: until somebody
has looked and --accept was given, the last good snapshot is kept.

With --prune, old snapshots are thinned by the retention rules in the same run, and
their space is freed: the line for cron.

With --stdin, what comes in on standard input is stored, whatever it is. If that is a
database file, the snapshot is like any other; else "firn dump" gives the bytes back,
and it cannot be restored into a database.`,
		Example: `  firn backup production
  firn backup --all --prune --quiet
  firn backup --database /srv/app.db --env production --prune --keep-last 10 --keep-daily 7
  pg_dump app | firn backup --stdin --name app.sql`,
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.backup(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "all configured environments")
	f.StringVar(&o.database, "database", "", "database `file`, without a configured environment")
	f.BoolVar(&o.stdin, "stdin", false, "what comes in on standard input, whatever it is")
	f.StringVar(&o.env, "env", "", "the environment's `name` (default, of --stdin only: stdin)")
	f.StringVar(&o.name, "name", "", "the database's `name` (default: the file's, without extension)")
	f.StringVar(&o.export, "export", "", "`how` to read: pages, or compact for VACUUM INTO (default: pages)")
	complete(cmd, "export", snapshot.ExportPages, snapshot.ExportCompact)
	f.StringArrayVar(&o.tags, "tag", nil, "add these `tags`, separated by commas")
	f.StringVar(&o.time, "time", "", "`time` of the snapshot: RFC 3339, or \"2006-01-02 15:04:05\" (default: now)")
	f.BoolVar(&o.ifChanged, "if-changed", false, "record nothing if nothing has changed")
	f.BoolVar(&o.accept, "accept", false, "take the database for good, whatever is suspect about it")
	f.BoolVar(&o.forceScan, "force-scan", false, "read every page, whatever the file's fingerprint says")
	f.BoolVar(&o.blockWriters, "block-writers", false, "keep the application from committing for as long as it takes, if that cannot be helped")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, say what would be stored")
	f.BoolVar(&o.prune, "prune", false, "then forget old snapshots, and free their space")
	o.keep = newKeepFlags(f)
	f.StringVar(&o.metricsFile, "metrics-file", "", "write the outcome to this `file`, for Prometheus's node_exporter")
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) backup(ctx context.Context, args []string, o backupOptions) error {
	r, jobs, err := c.beginBackup(ctx, args, o)
	if err != nil {
		return err
	}
	defer r.Close()
	began := r.Now()
	var taken []job
	for _, j := range jobs {
		if ctx.Err() != nil {
			r.notBegun(ctx, j.env, outcome.Interrupted(ctx.Err()))
			continue
		}
		err := r.one(ctx, j)
		if err != nil {
			err = fmt.Errorf("back up %s: %w", j.environment, err)
		} else {
			taken = append(taken, j)
		}
		r.outcomes.add(err, len(jobs) > 1)
	}
	if o.prune && ctx.Err() == nil {
		r.prune(ctx)
		r.tellPruneFailed(ctx, began, taken)
	}
	err = r.end()
	if ctx.Err() != nil {
		return r.stopped(len(jobs))
	}
	return err
}

// beginBackup finds out what to back up and opens the repository; the caller closes it.
// An error is told to all that watches the environments which the run was for.
func (c *cli) beginBackup(ctx context.Context, args []string, o backupOptions) (*backupRun, []job, error) {
	conf, err := c.program.LoadConfig()
	var jobs []job
	if err == nil {
		jobs, err = c.jobs(conf, args, o)
	}
	var s *opened
	if err == nil {
		s, err = c.open(ctx, session.OpenOptions{})
	}
	if err != nil {
		conf = cmp.Or(conf, &config.Config{})
		c.tellNotBegun(ctx, conf, o, o.known(conf, args), err)
		return nil, nil, err
	}
	s.MetricsFile = o.metricsFile
	if !o.dryRun {
		s.SweepPlaces(ctx)
	}
	return &backupRun{opened: s, dryRun: o.dryRun, outcomes: several{cli: c}}, jobs, nil
}

// tellNotBegun tells of a run that had no repository to write to, or not even a whole
// configuration.
func (c *cli) tellNotBegun(ctx context.Context, conf *config.Config, o backupOptions, envs []*config.Environment, cause error) {
	c.settle()
	s := &session.Session{Caller: c.program, Conf: conf, MetricsFile: o.metricsFile}
	if len(envs) > 0 { // their metrics take the lock that is in the cache
		var err error
		if s.Place, err = s.FindRepository(conf); err == nil {
			s.CacheDir = s.OpenCache(s.Place.String())
		}
	}
	r := &backupRun{opened: &opened{c, s}, dryRun: o.dryRun}
	for _, env := range envs {
		r.notBegun(ctx, env, cause)
	}
}

// tellWrongFlags tells of a backup whose flags are wrong, such as the line of cron after an update, for each configured
// environment that its arguments name: flags that were not read yet say nothing.
func (c *cli) tellWrongFlags(ctx context.Context, cause error) {
	conf, err := c.program.LoadConfig()
	if err != nil {
		return // it may be the flag that names the configuration
	}
	c.tellNotBegun(ctx, conf, backupOptions{}, backupOptions{all: slices.Contains(c.args, "--all")}.known(conf, c.args), cause)
}

// notBegun has a failure told that kept one environment's backup from its beginning.
func (r *backupRun) notBegun(ctx context.Context, env *config.Environment, cause error) {
	if !r.dryRun {
		newWatch(r.Session, env).notBegun(ctx, cause)
	}
}

// stopped says what an interrupt has left.
func (r *backupRun) stopped(jobs int) error {
	left := "what was stored of another one serves the next run, or is freed by a prune after a day"
	if r.dryRun {
		left = "it was a dry run"
	}
	return outcome.New(fmt.Errorf("interrupted: %d of %s taken; %s", r.outcomes.succeeded, report.Plural(jobs, "snapshot"), left), outcome.CodeInterrupted, "")
}

// backupRun is the outcome of one run, environment by environment.
type backupRun struct {
	*opened
	dryRun    bool
	outcomes  several
	pruneErr  error
	summaries []backupMessage
}

// backupMessage is the summary of one environment in JSON.
type backupMessage struct {
	Type        string    `json:"message_type"` // "summary"
	SnapshotID  string    `json:"snapshot_id"`  // of the one before, if skipped
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time"`
	Size        int64     `json:"size"`
	Scanned     int64     `json:"scanned"` // bytes of the database that were read
	Added       int64     `json:"added"`
	Chunks      int       `json:"chunks"`
	ChunksNew   int       `json:"chunks_new"`
	Unchanged   bool      `json:"unchanged"`
	Skipped     bool      `json:"skipped"`
	Suspect     []string  `json:"suspect,omitempty"`    // why it is unlikely to be meant
	Uncompared  string    `json:"uncompared,omitempty"` // what was not looked at for that
	DryRun      bool      `json:"dry_run"`
	Forgotten   []string  `json:"forgotten"`
	Duration    float64   `json:"duration"`

	Ahead   []string     `json:"ahead,omitempty"` // IDs of snapshots that are later than now: a clock was wrong
	SetBack *setBackInfo `json:"set_back,omitempty"`
}

// one backs up one database. A run that meets another one of the same is none: it is
// not watched.
func (r *backupRun) one(ctx context.Context, j job) error {
	if r.dryRun {
		_, err := r.take(ctx, j)
		return err
	}
	l, err := r.Lock("backup", j.environment, j.database)
	if err != nil {
		if !errors.Is(err, outcome.ErrRunning) {
			r.notBegun(ctx, j.env, err)
		}
		return err
	}
	defer l.Release()
	return newWatch(r.Session, j.env).around(ctx, func() (*backupMessage, error) { return r.take(ctx, j) })
}

// take takes the snapshot. There is one with an error, too, if only old snapshots could
// not be removed.
func (r *backupRun) take(ctx context.Context, j job) (m *backupMessage, err error) {
	if err := site.CheckTempDir(); err != nil {
		return nil, err
	}
	if !r.dryRun {
		r.Sweep(os.TempDir(), session.SweepIdle)
	}
	if !j.stream {
		return r.takeFrom(ctx, j, site.WatchedSource(r.Silence, j.path, r.exportOptions(j)))
	}
	err = spooled(ctx, r.Caller, j.environment, func(path string) (err error) {
		j.path = path
		m, err = r.takeFrom(ctx, j, site.StreamSource(path, "standard input"))
		return err
	})
	return m, err
}

func (r *backupRun) takeFrom(ctx context.Context, j job, source repo.Source) (m *backupMessage, err error) {
	total, err := r.approach(ctx, j)
	if err != nil {
		return nil, err
	}
	started := r.Now()
	b := r.progress(j.environment, total)
	j.options.Progress = b.Set
	j.options.HeldUp = func(reason error) { r.WarnHeldUp(j.environment, reason) }
	result, err := r.Repo.Backup(ctx, source, j.options)
	b.Done()
	if result != nil {
		m = r.tell(result, r.Now().Sub(started))
		err = cmp.Or(err, suspicion(result, r.dryRun), r.SetBackError(result.Rollback))
	}
	return m, err
}

// approach is the first that is done in the database's folder: it removes what a restore or a compact copy that was
// killed has left there. It returns the size of the file, 0 if it is not known: opening it says why.
func (r *backupRun) approach(ctx context.Context, j job) (int64, error) {
	size := make(chan int64, 1)
	err := site.NewWatchdog(ctx, r.Silence).Call(func() error {
		if !j.stream && !r.dryRun {
			r.SweepBeside(j.path, session.SweepIdle)
		}
		var n int64
		if info, err := os.Stat(j.path); err == nil {
			n = info.Size()
		}
		size <- n
		return nil
	}, site.Nothing)
	if err != nil {
		return 0, site.StuckSource(err)
	}
	return <-size, nil
}

// exportOptions say how to read the database. What is known of its pages is kept beside the run's lock, under which it
// is written; a dry run must leave it as it is, for the next one.
func (r *backupRun) exportOptions(j job) sqlite.Options {
	o := sqlite.Options{
		Compact: j.compact, HoldWriters: j.blockWriters,
		HeldUp: func(reason error) { r.WarnLocked(j.environment, j.blockWriters, reason) },
	}
	if !r.dryRun && r.CacheDir != "" {
		o.StatePath = r.RunPath(r.CacheDir, "backup", j.environment, j.database) + ".census"
	}
	return o
}

func (r *backupRun) tell(result *repo.BackupResult, took time.Duration) *backupMessage {
	s := result.Snapshot
	m := backupMessage{
		Type: "summary", SnapshotID: s.ID.String(), Environment: s.Environment, Database: s.Database, Time: s.Time,
		Size: s.Image().Size, Scanned: result.Scanned, Added: s.Added, Chunks: s.Chunks, ChunksNew: s.ChunksNew,
		Unchanged: s.Unchanged || result.Skipped, Skipped: result.Skipped, Suspect: s.Suspect, DryRun: r.dryRun,
		Forgotten: []string{}, Duration: took.Seconds(),
	}
	for _, d := range result.Forgotten {
		m.Forgotten = append(m.Forgotten, d.ID)
	}
	for _, ahead := range result.Ahead {
		m.Ahead = append(m.Ahead, ahead.ID.String())
	}
	if m.Uncompared = result.Uncompared; m.Uncompared != "" {
		r.warn("snapshot %s of %s: %s", s.ID.Short(), s.Environment, m.Uncompared)
	}
	r.WarnAhead(result.Ahead)
	if result.Rollback != nil {
		m.SetBack = newSetBack(result.Rollback)
	}
	r.detail("read %s of %s", report.Size(result.Scanned), report.Size(m.Size))
	if result.Left != nil {
		r.detail("left behind: %v", result.Left)
	}
	r.summaries = append(r.summaries, m)
	r.Done("%s", summaryLine(m, r.Zone))
	return &m
}

// summaryLine reads well in the log of a cron job.
func summaryLine(m backupMessage, zone *time.Location) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", m.Time.In(zone).Format("2006-01-02 15:04:05 MST"), m.Environment)
	short := m.SnapshotID[:min(8, len(m.SnapshotID))]
	switch {
	case m.Skipped:
		fmt.Fprintf(&b, "unchanged since snapshot %s, nothing recorded", short)
	case m.DryRun:
		fmt.Fprintf(&b, "dry run, would store %s, %s of it new", report.Size(m.Size), report.Size(m.Added))
	case m.Unchanged:
		fmt.Fprintf(&b, "snapshot %s, %s, unchanged", short, report.Size(m.Size))
	default:
		fmt.Fprintf(&b, "snapshot %s, %s, added %s", short, report.Size(m.Size), report.Size(m.Added))
	}
	fmt.Fprintf(&b, ", in %s", report.Elapsed(seconds(m.Duration)))
	if n := len(m.Forgotten); n > 0 {
		verb := "forgot"
		if m.DryRun {
			verb = "would forget"
		}
		fmt.Fprintf(&b, ", %s %s", verb, report.Plural(n, "old snapshot"))
	}
	return b.String()
}

// end prints the summaries in JSON, which come last, and returns the error
// that stands for all.
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
