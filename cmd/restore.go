package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/scratch"
	"firn/session"
	"firn/site"
	"firn/snapshot"
)

// restoreOptions are the flags of restore.
type restoreOptions struct {
	environment, from, name string
	snapshot, target, scrub string
	tags                    []string
	yes, dryRun, offline    bool
	unsound                 bool
	wait                    time.Duration
	beforeSchema            int64
	olderSchema             bool // beforeSchema is given
	undo                    bool // put back what the last restore replaced
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:     "restore [ENV] [--from ENV] [--snapshot SNAPSHOT] [--target FILE]",
		Short:   "Put a snapshot back, into the same or another environment",
		GroupID: groupMain,
		Long: `Makes an environment's database, or the file that --target names, equal to a
snapshot: of the same environment, or of the one that --from names.

The snapshot is fetched beside the target and checked first. A clone of another
environment is scrubbed before that, if the target has scrub configured. Then the target's
present content is saved as a snapshot with the tag pre-restore, and replaced in one
SQLite transaction: applications may have it open, and go on with the new content.
With stop and start configured, the application is stopped for that time, and
started again whatever happens. What can go wrong leaves the target as it was.

SNAPSHOT is at least 4 digits of an ID, latest, latest-verified, or the beginning of a
time: 2026-11-21, 2026-11-21T03. Without it, firn shows the newest ones and asks; where
nobody can be asked, --snapshot and --yes are needed.`,
		Example: `  firn restore production
  firn restore demo --from production --snapshot latest --yes
  firn restore production --before-schema 43
  firn restore --from production --snapshot 2026-11-21T03 --target /tmp/app.db --yes`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			o.olderSchema = cmd.Flags().Changed("before-schema")
			return c.restore(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "", "the `environment` whose snapshot is taken (default: ENV)")
	_ = cmd.RegisterFlagCompletionFunc("from", c.completeEnvironment) // it exists: no error
	f.StringVar(&o.name, "name", "", "only snapshots of the database with this `name`")
	f.StringVar(&o.snapshot, "snapshot", "", "the `snapshot`: ID, latest, latest-verified, or the beginning of a time")
	f.Int64Var(&o.beforeSchema, "before-schema", 0, "the newest snapshot whose user_version is below `n`")
	f.StringArrayVar(&o.tags, "tag", nil, "only snapshots with these `tags`: a comma means and, a repeated flag or")
	f.StringVar(&o.target, "target", "", "database `file` to restore into (default: the environment's)")
	f.StringVar(&o.scrub, "scrub", "", "SQL `file` to run on the copy before it goes live (default for clones: the environment's)")
	f.BoolVar(&o.unsound, "unsound", false, "restore even a database in which the checks find something wrong")
	addReplaceFlags(cmd, &o)
	c.addJSONFlag(cmd)
	return cmd
}

// addReplaceFlags adds the flags that say how a database is replaced.
func addReplaceFlags(cmd *cobra.Command, o *restoreOptions) {
	f := cmd.Flags()
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, say what would be replaced")
	f.BoolVar(&o.offline, "offline", false, "no application has the target open: allows another page size, or a damaged target")
	f.DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait for a `time` without another's transaction, like 30s or 2m")
}

// restoration is one run of restore, in the steps of [restoration.run].
type restoration struct {
	*opened
	options restoreOptions
	env     *config.Environment // whose database the target is; nil if it is none's
	site    *site.Site
	path    string // of the target, without symbolic links, for people
	source  *snapshot.Snapshot
	scrub   *scrubbing // nil for none
	target  *target
	near    *nearCopy // nil if the whole image is fetched
	started time.Time
	known   *session.Catalog     // of what there was
	saves   []*snapshot.Snapshot // of the target
	saved   *snapshot.Snapshot   // the last one: what was replaced
	kept    string               // the file that a damaged target has become

	watch        *site.Watch // since before the target was saved; nil for none
	savedIsThere bool        // every byte of saved was read, by us, and nothing was committed since
}

func (c *cli) restore(ctx context.Context, o restoreOptions) (err error) {
	r := &restoration{options: o, started: c.program.Now()}
	if r.opened, err = c.start(); err != nil {
		return err
	}
	if err := r.findTarget(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.site.Close()) }()
	if err := r.checkOptions(); err != nil {
		return err
	}
	opened, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer opened.Close()
	r.opened = opened
	return r.run(ctx)
}

// checkOptions refuses what cannot work before anything is opened.
func (r *restoration) checkOptions() error {
	o := r.options
	if o.wait <= 0 {
		return outcome.Usage("Write 30s, or 2m.", "--wait %v: not a time to wait for", o.wait)
	}
	if o.olderSchema && o.snapshot != "" {
		return outcome.Usage("", "--before-schema finds the snapshot itself: it does not go with --snapshot")
	}
	if r.interactive() || r.selects() && (o.yes || o.dryRun) {
		return nil
	}
	if o.undo {
		return outcome.Usage("Give --yes.", "undo: nobody can be asked, this is not a terminal")
	}
	return outcome.Usage("Give --snapshot ID, latest or a time, and --yes.", "restore: nobody can be asked, this is not a terminal")
}

// selects reports whether the options say which snapshot is meant.
func (r *restoration) selects() bool {
	return r.options.snapshot != "" || r.options.olderSchema || r.options.undo
}

// run restores. Until replace, nothing but the repository is changed.
func (r *restoration) run(ctx context.Context) (err error) {
	if err := r.choose(ctx); err != nil {
		return err
	}
	if err := r.planScrub(); err != nil {
		return err
	}
	if err := r.inspect(ctx); err != nil {
		return err
	}
	if err := r.needSpace(); err != nil {
		return err
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if r.options.dryRun {
		return r.tellDryRun()
	}
	if err := r.confirm(ctx, r.options.yes, r.command()); err != nil {
		return err
	}
	l, err := r.Lock("restore", r.path)
	if err != nil {
		return err
	}
	defer l.Release()
	claim, err := r.claim()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.site.Do(claim.Release)) }()
	return r.fetchAndReplace(ctx)
}

// claim keeps other restores from the target that do not meet the lock, which is in the cache or in TMPDIR: a run with
// another of either, or of another user.
func (r *restoration) claim() (claim *scratch.Claim, err error) {
	err = r.site.At(func(path string) (err error) { claim, err = scratch.Take(path); return err })
	if errors.Is(err, scratch.ErrClaimed) {
		err = fmt.Errorf("%s %s: %w", r.command(), r.path, outcome.ErrRunning)
	}
	return claim, err
}

// command is the name of the command for messages.
func (r *restoration) command() string {
	if r.options.undo {
		return "undo"
	}
	return "restore"
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
		return outcome.Failed("", "%s: not confirmed, nothing was changed", command)
	}
	return nil
}
