package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/verify"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	all, full         bool
	snapshot, tempDir string
}

func newVerify(c *cli) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify ENV... | --all | [ENV] SNAPSHOT",
		Short: "Check whether snapshots are sound",
		Long: `Checks whether the newest snapshot of each environment is sound: all pages of the
database, its foreign keys, and the environment's own SQL, if it has verify configured.
The snapshot is not sound if that SQL returns a row.

A snapshot that was found sound before, as nearly all are when they are taken, is not
restored for that: firn opens the database in the repository and runs the environment's
own SQL there. Any other one is restored to a private temporary file and checked. Once a
week, and with --full, all of it is restored and checked by SQLite's own integrity_check
and foreign_key_check, too. If these contradict firn's own check, the snapshot counts as
unsound, and verify shows both findings: please report them.

Some parts of a database cannot be checked: an index with a collation that only the
application's SQLite has, or a part that refers to a missing table. firn reports and
records them, and the snapshot counts as sound if the rest is.

The outcome is recorded, and "firn snapshots" shows it. Retention never removes the newest
sound snapshot, and latest-verified names it wherever a SNAPSHOT is expected. This is
never a suspect snapshot, and never other data if the environment has had databases: such
data may be complete and still be wrong. With several environments, a failure of one does
not stop the others.`,
		Example: `  firn verify production
  firn verify --all --quiet
  firn verify 3f2a91c0 --full`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.verify(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "all environments, configured ones and others")
	f.BoolVar(&o.full, "full", false, "restore and check all, by SQLite too, whatever is known")
	f.StringVar(&o.snapshot, "snapshot", "", "ID of the `snapshot`, latest, or a time")
	f.StringVar(&o.tempDir, "temp-dir", "", "`folder` with room for a database (default: $TMPDIR)")
	c.addJSONFlag(cmd)
	return cmd
}

// verifyRun is one run of verify with the outcomes of its snapshots.
type verifyRun struct {
	*opened
	outcomes  outcomes
	summaries []answer.Verification
}

// verify runs the command.
func (c *cli) verify(ctx context.Context, args []string, o verifyOptions) error {
	if err := o.validate(args); err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	verify.WarnResetBug(ctx, s.Session)
	known, err := s.Catalog(ctx)
	if err != nil {
		return err
	}
	if known.Damage != nil {
		s.warn("not everything can be read: %v", known.Damage)
	}
	if args, err = o.takeSnapshot(known, args); err != nil {
		return err
	}
	jobs, err := verify.Choose(ctx, known, verify.Choice{Environments: args, All: o.all, Snapshot: o.snapshot})
	if err != nil {
		return err
	}
	r := &verifyRun{opened: s, outcomes: outcomes{cli: c}}
	for _, j := range jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if j.NothingYet != "" {
			s.note("%s", s.NothingYetText(j.NothingYet))
			continue
		}
		err := j.Err
		if err == nil {
			var found *verify.Outcome
			found, err = verify.Snapshot(ctx, known, j.Snapshot, verify.Options{TempDir: o.tempDir, Full: o.full})
			r.report(found)
		}
		r.outcomes.add(err, len(jobs) > 1)
	}
	return r.end()
}

// takeSnapshot moves a snapshot from the arguments to the options, and returns the other arguments, which are environments.
func (o *verifyOptions) takeSnapshot(known *session.Catalog, args []string) ([]string, error) {
	i := slices.IndexFunc(args, func(arg string) bool { return session.IsReference(known.Conf, known.All, arg) })
	if i < 0 || o.snapshot != "" {
		return args, nil
	}
	o.snapshot = args[i]
	args = slices.Delete(slices.Clone(args), i, i+1)
	return args, o.validate(args)
}

// validate returns an error for flags and arguments that do not go together.
func (o verifyOptions) validate(args []string) error {
	switch {
	case o.all && (len(args) > 0 || o.snapshot != ""):
		return outcome.Usage("", "give environments, or --all, or --snapshot: only one of them")
	case o.snapshot != "" && len(args) > 1:
		return outcome.Usage("", "--snapshot: one snapshot is of one environment")
	case !o.all && o.snapshot == "" && len(args) == 0:
		return outcome.Usage("Name an environment, or give --all, or --snapshot.", "nothing to verify is named")
	}
	return nil
}

// report prints the outcome of a verification, nil for none, and keeps its summary. For an unsound snapshot, the error says it.
func (r *verifyRun) report(found *verify.Outcome) {
	if found == nil {
		return
	}
	snap, v := found.Snapshot, found.Verification
	r.summaries = append(r.summaries, answer.NewVerification(found))
	if found.Sound() {
		r.Done("%s: snapshot %s, %s, %s: sound (%s)", snap.Environment, snap.ID.Short(), r.WhenTaken(snap), report.Size(snap.Image().Size), r.DescribeCheck(v))
	}
	if found.Doubt != "" {
		r.warn("%s: all bytes of snapshot %s are there, but %s does not mean it: %s", snap.Environment, snap.ID.Short(), snapshot.LatestVerified, found.Doubt)
	}
}

// end prints the summaries in JSON, which are the last output, and returns the one error of the whole run.
func (r *verifyRun) end() error {
	if r.json {
		for _, m := range r.summaries {
			if err := r.printJSON(m); err != nil {
				return err
			}
		}
	}
	return r.outcomes.outcome()
}
