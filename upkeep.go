package firn

import (
	"context"
	"time"

	"firn/config"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/upkeep"
)

// Status tells whether backups are as they should be.
type Status = upkeep.Status

// Status finds out how the backups of all databases are that the repository holds, or that the program or its configuration
// names. It changes nothing.
func (r *Repository) Status(ctx context.Context) (*Status, error) {
	return upkeep.ReadStatus(ctx, r.with(), upkeep.StatusOptions{})
}

// Statistics say what the snapshots of a repository take.
type Statistics = upkeep.Statistics

// Statistics finds out how large the databases are, how they grow, and what their snapshots take. With an environment,
// "" for none, it does so for each of its snapshots.
func (r *Repository) Statistics(ctx context.Context, environment string) (*Statistics, error) {
	return upkeep.ReadStatistics(ctx, r.with(), environment)
}

// Decision is what a policy of retention does with a snapshot, and why.
type Decision = upkeep.Decision

// Forget removes snapshots, whatever the policies are, pinned ones too. Their space is freed by [Repository.Prune].
func (r *Repository) Forget(ctx context.Context, list ...*Snapshot) error {
	if len(list) == 0 {
		return nil // not what a policy would remove
	}
	if err := r.check(list...); err != nil {
		return err
	}
	var o upkeep.ForgetOptions
	for _, s := range list {
		o.Names = append(o.Names, s.ID.String())
	}
	_, err := upkeep.Forget(ctx, r.with(), o)
	return err
}

// RetainOptions say which snapshots stay. The zero value is for [Environment.Keep].
type RetainOptions struct {
	Keep   Keep // in place of that of the environment; zero for that
	DryRun bool // change nothing
}

// Retain removes the snapshots of the database's environment that no rule keeps. Pinned ones, the newest, the newest one that was
// verified, and what restores have replaced lately stay in any case. Each [Database.Backup] does this, too.
func (d *Database) Retain(ctx context.Context, o RetainOptions) ([]Decision, error) {
	if d.err != nil {
		return nil, d.err
	}
	done, err := upkeep.Forget(ctx, d.with(), upkeep.ForgetOptions{
		Names: []string{d.env.Name}, Keep: rules(o.Keep), DryRun: o.DryRun,
	})
	if err != nil {
		return nil, err
	}
	return done.Decisions, done.Damage
}

// Simulation is what there will be after some time of backups.
type Simulation = upkeep.Simulation

// Simulate returns the snapshots of the database's environment that there will be after some time with a backup at a regular
// interval. The policy is that of the environment, or another one if it is not zero. Nothing is changed.
func (d *Database) Simulate(ctx context.Context, k Keep, span, every time.Duration) (*Simulation, error) {
	if d.err != nil {
		return nil, d.err
	}
	return upkeep.Simulate(ctx, d.with(), upkeep.SimulateOptions{
		Environment: d.env.Name, Keep: rules(k), Span: span, Every: every,
	})
}

// PruneResult says what was freed.
type PruneResult = repo.PruneResult

// Prune frees the space of forgotten snapshots. Backups may run meanwhile. Space is freed in two steps: one prune marks what is
// not needed, and a later one deletes it.
func (r *Repository) Prune(ctx context.Context) (*PruneResult, error) {
	return r.with().Prune(ctx, session.PruneOptions{})
}

// CheckResult says what a check has found.
type CheckResult = repo.CheckResult

// Check looks for damage in the repository: in its structure, or in every byte. Without an error there is none.
func (r *Repository) Check(ctx context.Context, everyByte bool) (*CheckResult, error) {
	return upkeep.Check(ctx, r.with(), upkeep.CheckOptions{ReadData: everyByte})
}

// Repair is a repair of a repository under way. Diagnosis says what is damaged, what can be put right, and what is lost; Run does
// it; Close ends the repair in any case.
type Repair = upkeep.Repair

// Diagnose reads every byte of the repository and finds out what can be put right. It changes nothing. The repository was
// opened with [Options.ForRepair]. The caller closes the repair; until then no other one begins on this host.
func (r *Repository) Diagnose(ctx context.Context) (*Repair, error) {
	return upkeep.Diagnose(ctx, r.with())
}

// Pin keeps retention from removing the snapshot, or leaves it to retention again.
func (s *Snapshot) Pin(ctx context.Context, pinned bool) error {
	_, err := upkeep.Pin(ctx, s.repository.with(), []string{s.ID.String()}, pinned)
	return err
}

// AddTags adds tags to the snapshot. Tags that say what a snapshot is are firn's own, and refused.
func (s *Snapshot) AddTags(ctx context.Context, tags ...string) error {
	_, err := upkeep.AddTags(ctx, s.repository.with(), s.ID.String(), tags...)
	return err
}

// RemoveTags removes tags from the snapshot.
func (s *Snapshot) RemoveTags(ctx context.Context, tags ...string) error {
	_, err := upkeep.RemoveTags(ctx, s.repository.with(), s.ID.String(), tags...)
	return err
}

// rules makes a policy one that comes before those of the environments, nil if it is zero.
func rules(k retention.Policy) *config.Keep {
	if k.IsZero() {
		return nil
	}
	keep := config.NewKeep(k)
	if k.PreRestore == 0 {
		keep.PreRestore = nil // as the environment has it
	}
	return keep
}
