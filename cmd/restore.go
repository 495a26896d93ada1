package cmd

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/manual"
	"firn/outcome"
	"firn/restore"
	"firn/rowrestore"
	"firn/session"
)

// restoreOptions are the flags of restore and undo.
type restoreOptions struct {
	restore.Options
	rows         rowFlags
	yes, dryRun  bool
	beforeSchema int64
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	var moment string
	cmd := &cobra.Command{
		Use:   "restore [ENV] [SNAPSHOT] [--from ENV] [--target FILE]",
		Short: "Put a snapshot back, into the same or another environment",
		Long: `Makes an environment's database, or the file that --target names, equal to a
snapshot: one of its own, or one of the environment that --from names. --table
brings single rows back instead: "firn help rows" explains that.

First the snapshot is fetched into a file beside the target and checked. A clone of
another environment is then scrubbed, if the target has scrub configured. After this, the
target's present content is saved as a snapshot with the tag pre-restore and replaced in one
SQLite transaction. Applications may have the database open, and go on with the new
content. With stop and start configured, the application is stopped for that time, and
started again after a failure, too. A restore that fails leaves the target unchanged.

SNAPSHOT is at least 4 digits of an ID, latest, latest-verified, or the beginning of a
time: 2026-11-21, 2026-11-21T03. Without it, firn shows the newest ones and asks; without
a terminal, a snapshot and --yes must be given.

--at takes the newest snapshot that is not after a time: 2026-11-21T14:03 is the first
moment of that minute, and -90s is 90 seconds ago.`,
		Example: `  firn restore production
  firn restore demo --from production --snapshot latest --yes
  firn restore production --at 2026-11-21T14:03:07
  firn restore production --before-schema 43
  firn restore --from production --snapshot 2026-11-21T03 --target app.db
  firn restore production --at -1h --table users --where "id = 7"`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.takeRestoreFlags(cmd, args, moment, &o); err != nil {
				return err
			}
			return c.restore(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.From, "from", "", "the `environment` whose snapshot is restored (default: ENV)")
	_ = cmd.RegisterFlagCompletionFunc("from", c.completeEnvironment) // it exists: no error
	f.StringVar(&o.Name, "name", "", "only snapshots of the database with this `name`")
	f.StringVar(&o.Snapshot, "snapshot", "", "ID of the `snapshot`, latest, latest-verified, or a time")
	f.StringVar(&moment, "at", "", momentUsage)
	_ = cmd.RegisterFlagCompletionFunc("at", c.completeMoment) // it exists: no error
	f.Int64Var(&o.beforeSchema, "before-schema", 0, "the newest snapshot whose user_version is below `n`")
	f.StringArrayVar(&o.Tags, "tag", nil, "with these `tags`: a,b for both, --tag again for either")
	f.StringVar(&o.Target, "target", "", "database `file` to restore into (default: that of ENV)")
	f.StringVar(&o.Target, "to", "", "`location` on another host, in place of --target")
	f.StringVar(&o.Scrub, "scrub", "", "SQL `file` to run first (default of clones: that of ENV)")
	f.BoolVar(&o.Unsound, "unsound", false, "restore even if the checks find something wrong")
	addReplaceFlags(cmd, &o)
	o.rows.add(f)
	complete(cmd, "mode", "insert", "update", "upsert", "replace")
	complete(cmd, "emit", "sql")
	manual.Rare(f, "name", "before-schema", "to", "unsound", "offline", "wait", "mode", "with-parents", "emit", "limit", "triggers")
	c.addJSONFlag(cmd)
	return cmd
}

// takeRestoreFlags fills in the options that arguments and flags say together.
func (c *cli) takeRestoreFlags(cmd *cobra.Command, args []string, moment string, o *restoreOptions) error {
	o.Environment = first(args)
	if len(args) == 2 {
		if o.Snapshot != "" {
			return outcome.Usage("", "restore: %s and --snapshot %s: one snapshot can be restored", args[1], o.Snapshot)
		}
		o.Snapshot = args[1]
	}
	if err := o.rows.check(cmd.Flags(), c.json); err != nil {
		return err
	}
	if cmd.Flags().Changed("before-schema") {
		o.BeforeSchema = &o.beforeSchema
	}
	if !cmd.Flags().Changed("at") {
		return nil
	}
	if err := c.checkMoments(cmd, moment); err != nil {
		return err
	}
	if o.Selects() {
		return outcome.Usage("", "restore: --at finds the snapshot itself: it does not go with another way to name one")
	}
	o.Snapshot = session.AtMoment("", moment)
	return nil
}

// addReplaceFlags adds the flags that restore and undo share.
func addReplaceFlags(cmd *cobra.Command, o *restoreOptions) {
	f := cmd.Flags()
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, show what would be replaced")
	f.BoolVar(&o.Offline, "offline", false, "no application has the target open: then another page size or a damaged target is no obstacle")
	f.DurationVar(&o.Wait, "wait", restore.DefaultWait, "`time` to wait for other transactions")
}

// restoration is one run of restore or undo: its questions, the comparison and the words of its result.
type restoration struct {
	*opened
	operation *restore.Operation
	rows      *rowrestore.Operation // the same operation, if only rows are restored; nil otherwise
	options   restoreOptions
	started   time.Time
}

// restore runs restore or undo.
func (c *cli) restore(ctx context.Context, o restoreOptions) (err error) {
	r := &restoration{options: o, started: c.program.Now()}
	if r.opened, err = c.start(); err != nil {
		return err
	}
	defer func() {
		if r.Repo != nil {
			r.Close()
		}
	}()
	if err := r.takeSnapshot(ctx); err != nil {
		return err
	}
	o = r.options
	if err := r.begin(o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.operation.Close()) }()
	if err := r.checkFlags(); err != nil {
		return err
	}
	if r.Repo == nil {
		if err := r.openStarted(ctx); err != nil {
			return err
		}
	}
	return r.run(ctx)
}

// begin begins the operation.
func (r *restoration) begin(o restoreOptions) (err error) {
	if o.rows.Table == "" {
		r.operation, err = restore.New(r.Session, o.Options)
		return err
	}
	if r.rows, err = rowrestore.New(r.Session, rowrestore.Options{Options: o.Options, Request: o.rows.Request, Limit: o.rows.limit}); err != nil {
		return err
	}
	r.operation = r.rows.Operation
	return nil
}

// checkFlags returns an error for flags that cannot work. It runs before the repository is opened.
func (r *restoration) checkFlags() error {
	o := r.options
	if o.Wait <= 0 {
		return outcome.Usage("Write 30s, or 2m.", "--wait %v: not a time to wait for", o.Wait)
	}
	if r.interactive() || o.Selects() && (o.yes || o.dryRun || o.rows.emit != "") {
		return nil
	}
	if o.Undo {
		return outcome.Usage("Give --yes.", "undo: nobody can be asked, this is not a terminal")
	}
	if o.Selects() {
		return outcome.Usage("Give --yes, or --dry-run to look first.", "restore: nobody can be asked, this is not a terminal")
	}
	return outcome.Usage("Give --snapshot ID, latest or a time, and --yes.", "restore: nobody can be asked, this is not a terminal")
}

// run plans the restore, shows the plan, asks a person and restores. Only the operation's Run changes the target.
func (r *restoration) run(ctx context.Context) (err error) {
	if !r.options.Selects() {
		if err := r.choose(ctx); err != nil {
			return err
		}
	}
	if r.rows != nil {
		return r.runRows(ctx)
	}
	plan, err := r.operation.Plan(ctx)
	if err != nil {
		return err
	}
	if err := r.describe(ctx, plan); err != nil {
		return err
	}
	if r.options.dryRun {
		return r.reportDryRun(plan)
	}
	if err := r.confirm(ctx, r.options.yes, r.command()); err != nil {
		return err
	}
	result, err := r.operation.Run(ctx)
	if result == nil {
		return err
	}
	return cmp.Or(err, r.report(plan, result)) // a result comes with an error if only the start of the application failed
}

// command returns the name of the command for messages.
func (r *restoration) command() string {
	if r.options.Undo {
		return "undo"
	}
	return "restore"
}
