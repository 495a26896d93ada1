package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firn/answer"
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
	rules                                  *config.Keep // the rules of the flags, nil for the configured rules
}

func newCopy(c *cli) *cobra.Command {
	var o copyOptions
	cmd := &cobra.Command{
		Use:   "copy [ENV... | ID...] --to REPOSITORY",
		Short: "Copy snapshots to another repository",
		Long: `Copies snapshots to another repository, which has its own key and may be anywhere.
It copies all snapshots, the snapshots of some environments, or single ones by their
IDs.

Copies that exist are passed over, so an interrupted copy goes on where it ended.

Copies keep time, tags, environment, database, host and pins, and are restored like
any snapshot. They get IDs of their own. The outcome of verify is not copied: verify
the copies in the other repository.

The other repository may have retention rules of its own: keep of [copy], or the --keep
flags. Then snapshots that these rules would not keep are not copied. With --prune, the
rules also thin the snapshots there; if there are none, the rules of the environments do.`,
		Example: `  firn copy --to s3://offsite/firn --to-key-file /etc/firn/offsite.key
  firn copy production --prune --quiet    # for cron, with [copy] configured
  firn copy 3f2a91c0 --to /media/disk/firn --to-password-file password`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.copy(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.to, "to", "", "`repository` to copy to (default: that of [copy])")
	f.StringVar(&o.keyFile, "to-key-file", "", "`file` with its key")
	f.StringVar(&o.passwordFile, "to-password-file", "", "`file` with its password in the first line")
	f.StringVar(&o.passwordCommand, "to-password-command", "", "`command` that prints its password")
	f.StringArrayVar(&o.tags, "tag", nil, "with these `tags`: a,b for both, --tag again for either")
	f.IntVar(&o.latest, "latest", 0, "the newest `n` of each environment and database")
	o.keep = newKeepFlags(f, true)
	f.BoolVar(&o.prune, "prune", false, "then forget old snapshots there, and free space")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, show what would be copied")
	c.addJSONFlag(cmd)
	return cmd
}

// copy runs the command.
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

// reportCopy prints the outcome in the target, in a dry run the plan.
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

// showCopyPlan prints the snapshots that a run would copy and remove.
func (s *opened) showCopyPlan(result *replicate.Result) error {
	var rows [][]string
	row := func(what string, snap *snapshot.Snapshot) {
		rows = append(rows, []string{what, snap.ID.Short(), s.WhenTaken(snap), snap.Environment, snap.Database, report.Size(snap.Image().Size)})
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

// copyMessage is the outcome of a copy in JSON.
type copyMessage struct {
	Type       string            `json:"message_type"` // "summary"
	Repository string            `json:"repository"`   // the target of the copy
	DryRun     bool              `json:"dry_run"`
	Copied     []answer.Snapshot `json:"copied"`   // the copies; in a dry run the originals
	Present    int               `json:"present"`  // snapshots that were copied before
	LeftOut    int               `json:"left_out"` // snapshots that the rules of the target would not keep
	Failed     int               `json:"failed"`
	Size       int64             `json:"size"` // of the copied images
	Read       int64             `json:"read"` // bytes of them that were read; the target has the others
	Added      int64             `json:"added"`
	Forgotten  []string          `json:"forgotten"` // in the target
	Duration   float64           `json:"duration"`
}

// newCopyMessage fills a [copyMessage].
func newCopyMessage(repository string, result *replicate.Result, dryRun bool) *copyMessage {
	m := &copyMessage{
		Type: "summary", Repository: repository, DryRun: dryRun, Copied: []answer.Snapshot{},
		Present: result.Present, LeftOut: result.LeftOut, Failed: result.Failed, Size: result.Size(), Read: result.Read, Added: result.Added,
		Forgotten: ids(result.Forgotten), Duration: result.Took.Seconds(),
	}
	for _, s := range result.Copied {
		m.Copied = append(m.Copied, answer.NewSnapshot(s))
	}
	return m
}

// String returns the outcome on one line, for people and the logs of cron.
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
