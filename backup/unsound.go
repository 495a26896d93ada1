package backup

import (
	"cmp"
	"fmt"

	"firn/outcome"
	"firn/proof"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
)

// UnsoundError is the error of a backup whose database is not sound. The snapshot is stored, unless it was a dry run. The newest
// sound one is kept as long as none that is newer is sound.
type UnsoundError struct {
	Snapshot *snapshot.Snapshot // its Verified says what is wrong
	DryRun   bool
}

// Error says what is wrong.
func (e *UnsoundError) Error() string {
	if e.DryRun {
		return "the database is not sound: " + e.Snapshot.Verified.Problem
	}
	return fmt.Sprintf("snapshot %s is stored, and its database is not sound: %s", e.Snapshot.ID.Short(), e.Snapshot.Verified.Problem)
}

// unsoundness returns an [UnsoundError] with a hint, nil if the database was found sound, or was not looked at.
func (r *Result) unsoundness() error {
	if v := r.Snapshot.Verified; v == nil || v.Sound() {
		return nil
	}
	return outcome.New(&UnsoundError{r.Snapshot, r.DryRun}, outcome.CodeDamage, "Look at the disk, and at what else writes the file. If rows without a parent are no fault: foreign_keys = false in the environment. "+
		fmt.Sprintf(`The newest sound snapshot stays: "firn restore %s --snapshot %s" puts it back.`, report.QuoteWord(r.Snapshot.Environment), snapshot.LatestVerified))
}

// complaint returns what a person has to look at before anything else of a result.
func (r *Result) complaint() error { return cmp.Or(r.unsoundness(), r.suspicion()) }

// engine returns how the engine is to take snapshots of the database. mayCheckWhole is that of a [proof.Prover].
func (j *Job) engine(s *session.Session, mayCheckWhole func(size int64) bool) repo.BackupOptions {
	o := j.options
	if j.unproven {
		return o
	}
	p := &proof.Prover{Rules: s.ProofRules(j.env), Now: s.Now, MayCheckWhole: mayCheckWhole, Failed: func(err error) {
		s.Warn("%s: the snapshot could not be proven to be sound: %v", j.env.Name, err)
	}}
	o.Prove = p.Prove
	return o
}
