package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/replicate"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// copyOptions are the flags of copy.
type copyOptions struct {
	to                                     string
	keyFile, passwordFile, passwordCommand string
	tags                                   []string
	latest                                 int
	prune, dryRun                          bool
	keep                                   *keepFlags
	rules                                  *config.Keep // that the flags make, nil for the configured ones
}

func newCopy(c *cli) *cobra.Command {
	var o copyOptions
	cmd := &cobra.Command{
		Use:     "copy [ENV... | ID...] --to REPOSITORY",
		Short:   "Copy snapshots to another repository",
		GroupID: groupSpace,
		Long: `Copies snapshots to another repository, which has its own key and may be anywhere:
all of them, those of some environments, or those that are named by their IDs. What
is there already is passed over, so that an interrupted copy goes on where it was.

Copies keep time, tags, environment, database, host and pins, and are restored like
any snapshot. They get IDs of their own. That a snapshot was verified is not copied:
verify it in the other repository.

If there are rules for the other repository, keep of [copy] or the --keep flags, what
they would not keep there is not copied. With --prune, they also thin what is there;
without any, those of the environments count then.`,
		Example: `  firn copy --to s3://offsite/firn --to-key-file /etc/firn/offsite.key
  firn copy production --prune --quiet    # with [copy] in the configuration: the line for cron
  firn copy 3f2a91c0 --to /media/disk/firn --to-password-file password`,
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.copy(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.to, "to", "", "`folder` or s3:https://host/bucket/prefix to copy to (default: that of [copy])")
	f.StringVar(&o.keyFile, "to-key-file", "", "`file` with its key")
	f.StringVar(&o.passwordFile, "to-password-file", "", "`file` with its password in the first line")
	f.StringVar(&o.passwordCommand, "to-password-command", "", "`command` that prints its password")
	f.StringArrayVar(&o.tags, "tag", nil, "only with these `tags`: a comma means and, a repeated flag or")
	f.IntVar(&o.latest, "latest", 0, "only the newest `n` of each environment and database")
	o.keep = newKeepFlags(f)
	f.BoolVar(&o.prune, "prune", false, "then forget old snapshots there, and free their space")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, say what would be copied")
	c.addJSONFlag(cmd)
	return cmd
}

// copyMessage is the outcome in JSON.
type copyMessage struct {
	Type       string            `json:"message_type"` // "summary"
	Repository string            `json:"repository"`   // that was copied to
	DryRun     bool              `json:"dry_run"`
	Copied     []snapshotMessage `json:"copied"`   // the copies; in a dry run what would be copied
	Present    int               `json:"present"`  // those that were there before
	LeftOut    int               `json:"left_out"` // those that the rules of the target would not keep
	Failed     int               `json:"failed"`
	Size       int64             `json:"size"` // of the copied images
	Read       int64             `json:"read"` // of them, the rest was known to be there
	Added      int64             `json:"added"`
	Forgotten  []string          `json:"forgotten"` // of the target
	Duration   float64           `json:"duration"`
}

func (c *cli) copy(ctx context.Context, args []string, o copyOptions) error {
	byTag, err := tags.ParseFilter(o.tags)
	if err != nil {
		return err
	}
	if o.rules, err = o.keep.rules(); err != nil {
		return err
	}
	if o.latest < 0 {
		return outcome.Usage("", "--latest %d: not a number of snapshots", o.latest)
	}
	from, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer from.Close()
	key := config.KeySource{Origin: "the flags", KeyFile: o.keyFile, PasswordFile: o.passwordFile, PasswordCommand: o.passwordCommand}
	target, err := replicate.OpenTarget(ctx, from.Session, replicate.Target{Repository: o.to, Key: key})
	if err != nil {
		return err
	}
	to := c.with(target)
	defer to.Close()
	result, err := replicate.Copy(ctx, from.Session, target, replicate.Options{
		Names: args, Tags: byTag, Latest: o.latest, Keep: o.rules, Prune: o.prune, DryRun: o.dryRun,
	})
	if result == nil {
		return err
	}
	return errors.Join(err, to.reportCopy(result, o.dryRun))
}

// reportCopy tells what was done in the target, or in a dry run what would be.
func (s *opened) reportCopy(result *replicate.Result, dryRun bool) error {
	for _, pruned := range result.Pruned {
		if err := s.reportPrune(pruned, dryRun, true); err != nil {
			return err
		}
	}
	if s.json {
		return s.printJSON(newCopyMessage(s.Place.String(), result, dryRun))
	}
	if dryRun {
		if err := s.showCopyPlan(result); err != nil {
			return err
		}
	}
	s.Done("%s copy to %s: %s", result.Began.In(s.Zone).Format("2006-01-02 15:04:05 MST"), s.Place, newCopyMessage(s.Place.String(), result, dryRun))
	return nil
}

// showCopyPlan shows what a run would do.
func (s *opened) showCopyPlan(result *replicate.Result) error {
	var rows [][]string
	row := func(what string, snap *snapshot.Snapshot) {
		rows = append(rows, []string{what, snap.ID.Short(), s.When(snap.Time), snap.Environment, snap.Database, report.Size(snap.Image().Size)})
	}
	for _, snap := range result.Copied {
		row("copy", snap)
	}
	for _, snap := range result.Forgotten {
		row("remove there", snap)
	}
	if len(rows) == 0 {
		return nil
	}
	return s.table(s.stdout, []string{"Action", "ID", "Time", "Environment", "Database", "Size"}, rows)
}

func newCopyMessage(repository string, result *replicate.Result, dryRun bool) *copyMessage {
	m := &copyMessage{
		Type: "summary", Repository: repository, DryRun: dryRun, Copied: []snapshotMessage{},
		Present: result.Present, LeftOut: result.LeftOut, Failed: result.Failed, Size: result.Size(), Read: result.Read, Added: result.Added,
		Forgotten: ids(result.Forgotten), Duration: result.Took.Seconds(),
	}
	for _, s := range result.Copied {
		m.Copied = append(m.Copied, newSnapshotMessage(s))
	}
	return m
}

// String reads well in the log of a cron job.
func (m *copyMessage) String() string {
	copied := fmt.Sprintf("%s, %s", report.Plural(len(m.Copied), "snapshot"), report.Size(m.Size))
	parts, forgot := []string{copied, "added " + report.Size(m.Added)}, "forgot"
	switch {
	case m.DryRun:
		parts, forgot = []string{"dry run, would copy " + copied}, "would forget"
	case len(m.Copied)+m.Failed == 0:
		parts = []string{"nothing to copy"}
	}
	for _, n := range []struct {
		count int
		of    string
	}{
		{m.Present, "%d there before"}, {m.LeftOut, "%d not kept there"}, {m.Failed, "%d failed"},
	} {
		if n.count > 0 {
			parts = append(parts, fmt.Sprintf(n.of, n.count))
		}
	}
	if n := len(m.Forgotten); n > 0 {
		parts = append(parts, forgot+" "+report.Plural(n, "old snapshot"))
	}
	return strings.Join(append(parts, "in "+report.Elapsed(seconds(m.Duration))), ", ")
}
