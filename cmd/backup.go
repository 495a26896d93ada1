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

	"firn/repo"
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
	rules                               *keep // that the flags make, nil for the configured ones
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
	defer r.close()
	began := r.now()
	var taken []job
	for _, j := range jobs {
		if ctx.Err() != nil {
			r.notBegun(ctx, j.env, interrupted(ctx.Err()))
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
	conf, err := c.program.loadConfig()
	var jobs []job
	if err == nil {
		jobs, err = c.jobs(conf, args, o)
	}
	var s *opened
	if err == nil {
		s, err = c.open(ctx, openOptions{})
	}
	if err != nil {
		conf = cmp.Or(conf, &config{})
		c.tellNotBegun(ctx, conf, o, o.known(conf, args), err)
		return nil, nil, err
	}
	s.metricsFile = o.metricsFile
	if !o.dryRun {
		s.sweepPlaces(ctx)
	}
	return &backupRun{opened: s, dryRun: o.dryRun, outcomes: several{cli: c}}, jobs, nil
}

// tellNotBegun tells of a run that had no repository to write to, or not even a whole
// configuration.
func (c *cli) tellNotBegun(ctx context.Context, conf *config, o backupOptions, envs []*environment, cause error) {
	c.settle()
	s := &session{caller: c.program, conf: conf, metricsFile: o.metricsFile}
	if len(envs) > 0 { // their metrics take the lock that is in the cache
		var err error
		if s.place, err = s.findRepository(conf); err == nil {
			s.cacheDir = s.openCache(s.place.String())
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
	conf, err := c.program.loadConfig()
	if err != nil {
		return // it may be the flag that names the configuration
	}
	c.tellNotBegun(ctx, conf, backupOptions{}, backupOptions{all: slices.Contains(c.args, "--all")}.known(conf, c.args), cause)
}

// notBegun has a failure told that kept one environment's backup from its beginning.
func (r *backupRun) notBegun(ctx context.Context, env *environment, cause error) {
	if !r.dryRun {
		newWatch(r.session, env).notBegun(ctx, cause)
	}
}

// stopped says what an interrupt has left.
func (r *backupRun) stopped(jobs int) error {
	left := "what was stored of another one serves the next run, or is freed by a prune after a day"
	if r.dryRun {
		left = "it was a dry run"
	}
	return newProblem(fmt.Errorf("interrupted: %d of %s taken; %s", r.outcomes.succeeded, plural(jobs, "snapshot"), left), exitInterrupted, "")
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
	l, err := r.lock("backup", j.environment, j.database)
	if err != nil {
		if !errors.Is(err, errRunning) {
			r.notBegun(ctx, j.env, err)
		}
		return err
	}
	defer l.release()
	return newWatch(r.session, j.env).around(ctx, func() (*backupMessage, error) { return r.take(ctx, j) })
}

// take takes the snapshot. There is one with an error, too, if only old snapshots could
// not be removed.
func (r *backupRun) take(ctx context.Context, j job) (m *backupMessage, err error) {
	if err := checkTempDir(); err != nil {
		return nil, err
	}
	if !r.dryRun {
		r.sweep(os.TempDir(), sweepIdle)
	}
	if !j.stream {
		return r.takeFrom(ctx, j, watchedSource(r.silence, j.path, r.exportOptions(j)))
	}
	err = spooled(ctx, r.caller, j.environment, func(path string) (err error) {
		j.path = path
		m, err = r.takeFrom(ctx, j, streamSource(path))
		return err
	})
	return m, err
}

func (r *backupRun) takeFrom(ctx context.Context, j job, source repo.Source) (m *backupMessage, err error) {
	total, err := r.approach(ctx, j)
	if err != nil {
		return nil, err
	}
	started := r.now()
	b := r.progress(j.environment, total)
	j.options.Progress = b.set
	j.options.HeldUp = func(reason error) { r.warnHeldUp(j.environment, reason) }
	result, err := r.repo.Backup(ctx, source, j.options)
	b.done()
	if result != nil {
		m = r.tell(result, r.now().Sub(started))
		err = cmp.Or(err, suspicion(result, r.dryRun), r.setBackError(result.Rollback))
	}
	return m, err
}

// warnHeldUp tells that a slow store keeps a database open for reading.
func (c *caller) warnHeldUp(environment string, reason error) {
	c.warn("%s: the store is slow, and what it cannot take yet cannot be put aside: %v. Until it is stored the database is open for reading, and a WAL "+
		"cannot be checkpointed. Make room there, or set TMPDIR to a folder with more", environment, reason)
}

// warnLocked tells that a database with a rollback journal is read under its lock.
func (c *caller) warnLocked(environment string, forever bool, reason error) {
	limit := "for 2 seconds at most"
	if forever {
		limit = "for as long as that takes"
	}
	c.warn("%s: the database cannot be put aside: %v. It is read under its lock, and keeps its application from committing, %s. "+
		"Make room, set TMPDIR to a folder with more, or use WAL mode", environment, reason, limit)
}

// approach is the first that is done in the database's folder: it removes what a restore or a compact copy that was
// killed has left there. It returns the size of the file, 0 if it is not known: opening it says why.
func (r *backupRun) approach(ctx context.Context, j job) (int64, error) {
	size := make(chan int64, 1)
	err := newWatchdog(ctx, r.silence).call(func() error {
		if !j.stream && !r.dryRun {
			r.sweepBeside(j.path, sweepIdle)
		}
		var n int64
		if info, err := os.Stat(j.path); err == nil {
			n = info.Size()
		}
		size <- n
		return nil
	}, nothing)
	if err != nil {
		return 0, stuckSource(err)
	}
	return <-size, nil
}

// exportOptions say how to read the database. What is known of its pages is kept beside the run's lock, under which it
// is written; a dry run must leave it as it is, for the next one.
func (r *backupRun) exportOptions(j job) sqlite.Options {
	o := sqlite.Options{
		Compact: j.compact, HoldWriters: j.blockWriters,
		HeldUp: func(reason error) { r.warnLocked(j.environment, j.blockWriters, reason) },
	}
	if !r.dryRun && r.cacheDir != "" {
		o.StatePath = r.runPath(r.cacheDir, "backup", j.environment, j.database) + ".census"
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
	r.warnAhead(result.Ahead)
	if result.Rollback != nil {
		m.SetBack = newSetBack(result.Rollback)
	}
	r.detail("read %s of %s", size(result.Scanned), size(m.Size))
	if result.Left != nil {
		r.detail("left behind: %v", result.Left)
	}
	r.summaries = append(r.summaries, m)
	r.done("%s", summaryLine(m, r.zone))
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
		fmt.Fprintf(&b, "dry run, would store %s, %s of it new", size(m.Size), size(m.Added))
	case m.Unchanged:
		fmt.Fprintf(&b, "snapshot %s, %s, unchanged", short, size(m.Size))
	default:
		fmt.Fprintf(&b, "snapshot %s, %s, added %s", short, size(m.Size), size(m.Added))
	}
	fmt.Fprintf(&b, ", in %s", elapsed(seconds(m.Duration)))
	if n := len(m.Forgotten); n > 0 {
		verb := "forgot"
		if m.DryRun {
			verb = "would forget"
		}
		fmt.Fprintf(&b, ", %s %s", verb, plural(n, "old snapshot"))
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
