package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	all               bool
	snapshot, tempDir string
}

func newVerify(c *cli) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "verify ENV... | --all | --snapshot SNAPSHOT",
		Short:   "Restore snapshots to a temporary file and look whether they are sound",
		GroupID: groupMain,
		Long: `Restores the newest snapshot of each environment to a private temporary file, and
runs SQLite's integrity_check and foreign_key_check on it, then the environment's own
SQL, if it has verify configured: rows that it returns must not be.

A part that takes the application's own SQLite to check, such as an index with a
collation of its own, or that refers to a table which is not there, is told and
recorded; the snapshot counts as sound if the rest is.

The outcome is recorded: "firn snapshots" shows it, retention never removes the newest
sound one, and latest-verified means it wherever a SNAPSHOT is asked for. That is never
one that is suspect, nor one that is no database where there have been databases: that all
bytes of it are there says nothing of what they are. With several environments, one that
fails does not stop the others.`,
		Example: `  firn verify production
  firn verify --all --quiet
  firn verify --snapshot 3f2a91c0`,
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.verify(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "all environments, those that are configured and those that have snapshots")
	f.StringVar(&o.snapshot, "snapshot", "", "this `snapshot`, of the environment if one is named: ID, latest, or the beginning of a time")
	f.StringVar(&o.tempDir, "temp-dir", "", "`folder` with room for a database (default: $TMPDIR)")
	c.addJSONFlag(cmd)
	return cmd
}

// verifyMessage is the outcome for one snapshot in JSON.
type verifyMessage struct {
	Type        string    `json:"message_type"` // "summary"
	SnapshotID  string    `json:"snapshot_id"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time"` // of the snapshot
	Size        int64     `json:"size"`
	How         string    `json:"how"`
	Sound       bool      `json:"sound"`
	Problem     string    `json:"problem,omitempty"`
	Unchecked   string    `json:"unchecked,omitempty"` // what could not be looked at
	Duration    float64   `json:"duration"`
}

// verifyRun is one run, snapshot by snapshot.
type verifyRun struct {
	*opened
	known     *session.Catalog
	options   verifyOptions
	outcomes  several
	summaries []verifyMessage
}

// verifyJob is a snapshot to verify, or the reason why an environment has none.
type verifyJob struct {
	snap *snapshot.Snapshot
	err  error
}

func (c *cli) verify(ctx context.Context, args []string, o verifyOptions) error {
	if err := o.validate(args); err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	warnResetBug(ctx, s.Session)
	known, err := s.Catalog(ctx)
	if err != nil {
		return err
	}
	if known.Damage != nil {
		s.warn("not everything can be read: %v", known.Damage)
	}
	r := &verifyRun{opened: s, known: known, options: o, outcomes: several{cli: c}}
	jobs, err := r.jobs(args)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := j.err
		if err == nil {
			err = r.one(ctx, j.snap)
		}
		r.outcomes.add(err, len(jobs) > 1)
	}
	return r.end()
}

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

// jobs finds the snapshots, and refuses names that nobody knows before anything is done.
func (r *verifyRun) jobs(names []string) ([]verifyJob, error) {
	if r.options.all {
		known := session.Environments(r.known.All)
		names = slices.Compact(slices.Sorted(slices.Values(append(known, r.Conf.Names()...))))
	}
	for _, name := range names {
		if err := r.KnownEnvironment(r.known.All, name); err != nil {
			return nil, cmp.Or(r.known.Surely(nil, "verify "+name, session.AnyTime), err)
		}
	}
	if r.options.snapshot != "" {
		snap, err := r.known.Find(session.Filter(r.known.All, snapshot.Filter{Environment: first(names)}), r.options.snapshot, false)
		return []verifyJob{{snap: snap}}, err
	}
	var jobs []verifyJob
	for _, name := range names {
		jobs = append(jobs, r.newest(name)...)
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("verify: %w", snapshot.ErrNotFound)
	}
	return jobs, nil
}

// newest returns the newest snapshots that backups took of an environment: of the
// configured database, or else of each that there is.
func (r *verifyRun) newest(name string) []verifyJob {
	own := session.OfBackups(session.Filter(r.known.All, snapshot.Filter{Environment: name}))
	if env := r.Conf.Env[name]; env != nil {
		if same := session.Filter(own, snapshot.Filter{Database: env.DatabaseName}); len(same) > 0 {
			own = same
		}
	}
	if len(own) == 0 {
		if err := r.known.Surely(nil, "verify "+name, session.AnyTime); err != nil {
			return []verifyJob{{err: err}}
		}
		return []verifyJob{{err: outcome.Failed(fmt.Sprintf(`Take one: "firn backup %s".`, name), "verify %s: %w", name, snapshot.ErrNotFound)}}
	}
	var jobs []verifyJob
	for _, snap := range session.Newest(r.Past(own), 1) {
		jobs = append(jobs, verifyJob{snap, r.known.Surely(snap, "verify "+name, session.AnyTime)})
	}
	return jobs
}

// one verifies a snapshot and records the outcome. What keeps it from looking is
// no outcome.
func (r *verifyRun) one(ctx context.Context, snap *snapshot.Snapshot) error {
	started := r.Now()
	saw, err := r.look(ctx, snap)
	if err != nil {
		return r.cannotVerify(snap, err)
	}
	found := &snapshot.Verification{Time: r.Now(), How: saw.how, Unchecked: strings.Join(saw.unchecked, "; ")}
	if saw.unsound != nil {
		found.Problem = saw.unsound.Error()
	}
	r.tell(snap, found, r.Now().Sub(started))
	err = r.Repo.Note(ctx, snapshot.Note{Snapshot: snap.ID, Verified: found})
	if err != nil {
		err = fmt.Errorf("verify %s: the outcome could not be recorded: %w", snap.Environment, err)
	}
	if saw.unsound == nil {
		return err
	}
	return errors.Join(r.unsound(snap, saw.unsound), err)
}

// seen is what a look at a snapshot found.
type seen struct {
	how       string   // it looked
	unchecked []string // that takes the application's own SQLite
	unsound   error    // what is wrong
}

// look restores a snapshot to a temporary file and says what it saw, or why it could not
// look.
func (r *verifyRun) look(ctx context.Context, snap *snapshot.Snapshot) (saw seen, err error) {
	if snap.IsStream() {
		return r.lookAtStream(ctx, snap)
	}
	r.Sweep(cmp.Or(r.options.tempDir, os.TempDir()), session.SweepIdle)
	image, err := site.StageApart(r.options.tempDir, "verify.db", snap.Image().Size, func(f *os.File) error { return r.CopyImage(ctx, snap, f) })
	if corrupt, ok := errors.AsType[*repo.CorruptError](err); ok && ctx.Err() == nil {
		return seen{how: "restore", unsound: corrupt}, r.stillThere(ctx, snap)
	}
	if err != nil {
		return seen{}, err
	}
	defer func() { err = errors.Join(err, image.Remove()) }()
	saw.how = session.CheckedHow
	err = image.Check(ctx)
	if partial, ok := errors.AsType[*sqlite.UncheckedError](err); ok {
		saw.unchecked, err = partial.Messages, nil
	}
	if err == nil {
		err = r.runOwnSQL(ctx, snap, image, &saw)
	}
	saw.unsound = cmp.Or(saw.unsound, unsoundness(err))
	return saw, refused(err)
}

// runOwnSQL runs the environment's SQL. Where the database needs the application's own
// SQLite, that SQL may, too: then it is one thing more that could not be looked at.
func (r *verifyRun) runOwnSQL(ctx context.Context, snap *snapshot.Snapshot, image *site.Staged, saw *seen) error {
	env := r.Conf.Env[snap.Environment]
	if env == nil || env.Verify == "" {
		return nil
	}
	if env.DatabaseName != snap.Database {
		r.warn("verify SQL was not run on snapshot %s: it is of the database %s, not of %s", snap.ID.Short(), snap.Database, env.DatabaseName)
		return nil
	}
	var rows []string
	err := image.At(func(path string) (err error) { rows, err = sqlite.Violations(ctx, path, env.Verify); return err })
	if wrong, ok := errors.AsType[*sqlite.StatementError](err); ok && len(saw.unchecked) > 0 {
		saw.unchecked = append(saw.unchecked, "verify SQL: "+wrong.Error())
		return nil
	}
	saw.how += ", verify SQL"
	if len(rows) > 0 {
		saw.unsound = fmt.Errorf("its verify SQL returns %s", strings.Join(rows, "; "))
	}
	return err
}

// lookAtStream reads what is no database to its end: every byte is verified on the way,
// and more cannot be known.
func (r *verifyRun) lookAtStream(ctx context.Context, snap *snapshot.Snapshot) (seen, error) {
	saw := seen{how: "read"}
	err := r.CopyImage(ctx, snap, io.Discard)
	if corrupt, ok := errors.AsType[*repo.CorruptError](err); ok && ctx.Err() == nil {
		saw.unsound, err = corrupt, r.stillThere(ctx, snap)
	}
	return saw, err
}

// stillThere tells a snapshot that is damaged from one that was forgotten while it
// was read.
func (r *verifyRun) stillThere(ctx context.Context, snap *snapshot.Snapshot) error {
	list, err := r.Repo.Snapshots(ctx)
	if list == nil {
		return err
	}
	if !slices.ContainsFunc(list, func(s *snapshot.Snapshot) bool { return s.ID == snap.ID }) {
		return outcome.Failed("Run it again.", "snapshot %s was forgotten meanwhile", snap.ID.Short())
	}
	return nil
}

// unsoundness returns what an error says of the database, nil if it is about
// something else; without the name of the temporary file.
func unsoundness(err error) error {
	if found, ok := errors.AsType[*sqlite.IntegrityError](err); ok {
		return &sqlite.IntegrityError{Path: "its database", Messages: found.Messages}
	}
	for _, kind := range []error{sqlite.ErrNotDatabase, sqlite.ErrEmpty, sqlite.ErrCorrupt} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// refused returns an error that is not about the database.
func refused(err error) error {
	if unsoundness(err) != nil {
		return nil
	}
	return err
}

// cannotVerify says of wrong SQL where it stands.
func (r *verifyRun) cannotVerify(snap *snapshot.Snapshot, err error) error {
	if wrong, ok := errors.AsType[*sqlite.StatementError](err); ok {
		return outcome.Usage(fmt.Sprintf("Correct verify of [env.%s] in %s. Nothing was recorded.", snap.Environment, r.Conf.Path),
			"verify %s: %w", snap.Environment, wrong)
	}
	err = fmt.Errorf("verify %s: %w", snap.Environment, err)
	if errors.Is(err, sqlite.ErrNoSpace) {
		return outcome.Failed("Make room there, or name a folder with more: --temp-dir, or TMPDIR.", "%w", err)
	}
	return err
}

// unsound is the error for a snapshot that is not sound.
func (r *verifyRun) unsound(snap *snapshot.Snapshot, err error) error {
	hint := "" // for a damaged repository, the table has one
	if _, ok := errors.AsType[*repo.CorruptError](err); !ok {
		hint = fmt.Sprintf(`The database was so when it was backed up: "firn dump %s -o FILE" writes it for a look.`, snap.ID.Short())
		hint += r.known.WayToSound(snap)
	}
	return outcome.New(fmt.Errorf("verify %s: snapshot %s, %s, is not sound: %w", snap.Environment, snap.ID.Short(), r.When(snap.Time), err), outcome.CodeDamage, hint)
}

// tell tells the outcome; of an unsound snapshot the error says it.
func (r *verifyRun) tell(snap *snapshot.Snapshot, found *snapshot.Verification, took time.Duration) {
	r.summaries = append(r.summaries, verifyMessage{
		Type: "summary", SnapshotID: snap.ID.String(), Environment: snap.Environment, Database: snap.Database, Time: snap.Time,
		Size: snap.Image().Size, How: found.How, Sound: found.Sound(), Problem: found.Problem, Unchecked: found.Unchecked, Duration: took.Seconds(),
	})
	if found.Sound() {
		r.Done("%s: snapshot %s, %s, %s: sound (%s)", snap.Environment, snap.ID.Short(), r.When(snap.Time), report.Size(snap.Image().Size), session.DescribeCheck(found))
		r.warnDoubt(snap)
	}
}

// warnDoubt warns of a snapshot whose bytes are all there, and which latest-verified does not mean for
// what they are.
func (r *verifyRun) warnDoubt(snap *snapshot.Snapshot) {
	if doubt := snapshot.Doubt(r.known.All)(snap); doubt != "" {
		r.warn("%s: all bytes of snapshot %s are there, but %s does not mean it: %s", snap.Environment, snap.ID.Short(), snapshot.LatestVerified, doubt)
	}
}

// end prints the summaries in JSON, which come last.
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
