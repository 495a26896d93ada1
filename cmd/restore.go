package cmd

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
	"firn/tags"
)

// restoreOptions are the flags of restore.
type restoreOptions struct {
	environment, from, name string
	snapshot, target        string
	tags                    []string
	yes, dryRun, offline    bool
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:     "restore [ENV] [--from ENV] [--snapshot SNAPSHOT] [--target FILE]",
		Short:   "Put a snapshot back, into the same or another environment",
		GroupID: groupMain,
		Long: `Makes an environment's database, or the file that --target names, equal to a
snapshot: of the same environment, or of the one that --from names.

The snapshot is fetched beside the target and checked first. Then the target's
present content is saved as a snapshot with the tag pre-restore, and replaced in one
SQLite transaction: applications may have it open, and go on with the new content.
With stop and start configured, the application is stopped for that time, and
started again whatever happens. What can go wrong leaves the target as it was.

SNAPSHOT is at least 4 digits of an ID, latest, or the beginning of a time:
2026-11-21, 2026-11-21T03. Without it, firn shows the newest ones and asks; where
nobody can be asked, --snapshot and --yes are needed.`,
		Example: `  firn restore production
  firn restore demo --from production --snapshot latest --yes
  firn restore --from production --snapshot 2026-11-21T03 --target /tmp/app.db --yes`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			return c.restore(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "", "the `environment` whose snapshot is taken (default: ENV)")
	f.StringVar(&o.name, "name", "", "only snapshots of the database with this `name`")
	f.StringVar(&o.snapshot, "snapshot", "", "the `snapshot`: ID, latest, or the beginning of a time")
	f.StringArrayVar(&o.tags, "tag", nil, "only snapshots with these `tags`: a comma means and, a repeated flag or")
	f.StringVar(&o.target, "target", "", "database `file` to restore into (default: the environment's)")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, say what would be replaced")
	f.BoolVar(&o.offline, "offline", false, "no application has the target open: allows another page size")
	c.addJSONFlag(cmd)
	return cmd
}

// restoration is one run of restore, in the steps of [restoration.run].
type restoration struct {
	*session
	options restoreOptions
	env     *environment // whose database the target is; nil if it is none's
	path    string       // of the target, without symbolic links if it exists
	source  *snapshot.Snapshot
	target  *target
	started time.Time
	saved   *snapshot.Snapshot // what was replaced
}

func (c *cli) restore(ctx context.Context, o restoreOptions) error {
	r := &restoration{options: o, started: c.now()}
	var err error
	if r.session, err = c.start(); err != nil {
		return err
	}
	if err := r.findTarget(); err != nil {
		return err
	}
	if !c.interactive() && (o.snapshot == "" || !o.yes && !o.dryRun) {
		return usage("Give --snapshot ID, latest or a time, and --yes.", "restore: nobody can be asked, this is not a terminal")
	}
	opened, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer opened.close()
	r.session = opened
	return r.run(ctx)
}

// run restores. Until replace, nothing but the repository is changed.
func (r *restoration) run(ctx context.Context) error {
	if err := r.choose(ctx); err != nil {
		return err
	}
	if err := r.refuseUnscrubbed(); err != nil {
		return err
	}
	if err := r.inspect(ctx); err != nil {
		return err
	}
	r.describe()
	if r.options.dryRun {
		return r.tellDryRun()
	}
	if err := r.confirm(ctx, r.options.yes, "restore"); err != nil {
		return err
	}
	l, err := r.lock("restore", r.path)
	if err != nil {
		return err
	}
	defer l.release()
	return r.fetchAndReplace(ctx)
}

// refuseUnscrubbed keeps private data out of an environment that is to get
// none: scrubbing is not in this version.
func (r *restoration) refuseUnscrubbed() error {
	if r.env == nil || r.env.Scrub == "" || r.source.Environment == r.env.name {
		return nil
	}
	return usage("Restore to another file with --target, and scrub it there.",
		"restore %s: it has scrub configured, which this version of firn cannot run: the data of %s would go live as it is",
		r.env.name, r.source.Environment)
}

// describe shows what will be replaced by what.
func (r *restoration) describe() {
	i := r.source.Image()
	r.note("Snapshot  %s of %s, %s, %s, %d pages", r.source.ID.Short(), r.source.Environment,
		r.when(r.source.Time), size(i.Size), i.PageCount)
	if r.target.exists {
		r.note("replaces  %s, changed %s, %s, %d pages", r.path, r.when(r.target.modified), size(r.target.info.Size), r.target.info.PageCount)
		r.note("What is there now is saved first, as a snapshot.")
	} else {
		r.note("goes to   %s, where nothing is now", r.path)
	}
	if r.stops() {
		r.note("Meanwhile the application is stopped: %s", r.env.Stop)
	}
}

// confirm asks for a literal yes, unless it was given.
func (c *cli) confirm(ctx context.Context, given bool, command string) error {
	if given {
		return nil
	}
	answer, err := c.ask(ctx, "Type yes to go on: ")
	if err != nil {
		return err
	}
	if answer != "yes" {
		return failed("", "%s: not confirmed, nothing was changed", command)
	}
	return nil
}

// saveAs is where what is replaced is saved: under the target's
// environment, or, for a file of none, apart from all of them.
func (r *restoration) saveAs() (environment, database string) {
	switch {
	case r.env != nil:
		return r.env.name, r.env.Name
	case r.options.environment != "":
		return r.options.environment, databaseName(r.path)
	}
	return "file", databaseName(r.path)
}

// save snapshots the target before it is replaced.
func (r *restoration) save(ctx context.Context) error {
	if !r.target.exists {
		return nil
	}
	b := r.progress("save target", r.target.info.Size)
	defer b.done()
	result, err := r.snapshotTarget(ctx, repo.BackupOptions{Progress: b.set})
	if err != nil {
		return err
	}
	r.saved = result.Snapshot
	r.note("Saved what was there as snapshot %s", r.saved.ID.Short())
	return nil
}

// saveAgain saves what was committed to the target since [restoration.save]. It
// runs while nobody else can commit: what is replaced is all in a snapshot.
func (r *restoration) saveAgain(ctx context.Context) error {
	if r.saved == nil { // the target has appeared since we looked
		return fmt.Errorf("restore %s: it was not there a moment ago: %w", r.path, fs.ErrExist)
	}
	result, err := r.snapshotTarget(ctx, repo.BackupOptions{IfChanged: true})
	if err != nil {
		return err
	}
	if !result.Skipped {
		r.saved = result.Snapshot
		r.note("Saved what was committed since as snapshot %s", r.saved.ID.Short())
	}
	return nil
}

// snapshotTarget takes a pre-restore snapshot.
func (r *restoration) snapshotTarget(ctx context.Context, opts repo.BackupOptions) (*repo.BackupResult, error) {
	set, err := tags.New(repo.PreRestoreTag)
	if err != nil {
		return nil, err
	}
	opts.Environment, opts.Database = r.saveAs()
	opts.Tags, opts.ReplacedBy = set, r.source.ID
	result, err := r.repo.Backup(ctx, source(r.path, false), opts)
	if err != nil {
		return nil, refuseTarget(err)
	}
	return result, nil
}

// restoreMessage is the summary in JSON.
type restoreMessage struct {
	Type         string  `json:"message_type"` // "summary"
	DryRun       bool    `json:"dry_run"`
	SnapshotID   string  `json:"snapshot_id"`
	Environment  string  `json:"environment"` // of the snapshot
	Target       string  `json:"target"`
	Size         int64   `json:"size"`
	Method       string  `json:"method"`
	PagesWritten int64   `json:"pages_written"`
	PreRestoreID string  `json:"pre_restore_id,omitempty"` // of what was replaced
	Duration     float64 `json:"duration"`
}

func (r *restoration) newMessage() restoreMessage {
	return restoreMessage{
		Type: "summary", DryRun: r.options.dryRun, SnapshotID: r.source.ID.String(), Environment: r.source.Environment,
		Target: r.path, Size: r.source.Image().Size, Duration: r.now().Sub(r.started).Seconds(),
	}
}

func (r *restoration) tellDryRun() error {
	if r.json {
		return r.printJSON(r.newMessage())
	}
	r.done("Dry run: nothing was changed")
	return nil
}

func (r *restoration) tell(result *sqlite.RestoreResult) error {
	m := r.newMessage()
	m.Method, m.PagesWritten = result.Method, result.PagesWritten
	if r.saved != nil {
		m.PreRestoreID = r.saved.ID.String()
	}
	if r.json {
		return r.printJSON(m)
	}
	r.done("Restored %s from snapshot %s of %s, %s: %d of %d pages written", r.path, r.source.ID.Short(),
		r.source.Environment, r.when(r.source.Time), result.PagesWritten, result.PageCount)
	if r.saved != nil {
		r.done("To undo: %s", r.undo())
	}
	return nil
}

// undo is the command that puts back what was replaced.
func (r *restoration) undo() string {
	words := []string{"firn restore"}
	switch {
	case r.env != nil:
		words = append(words, quoteWord(r.env.name))
	default:
		words = append(words, "--target "+quoteWord(r.path))
	}
	words = append(words, "--snapshot "+r.saved.ID.Short())
	if c := r.flags.config; c != "" {
		words = append(words, "--config "+quoteWord(c))
	}
	if r.flags.repository != "" {
		words = append(words, "--repository "+quoteWord(r.flags.repository))
	}
	if r.flags.keyFile != "" {
		words = append(words, "--key-file "+quoteWord(r.flags.keyFile))
	}
	return strings.Join(words, " ")
}

// quoteWord quotes what a shell would take apart.
func quoteWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
