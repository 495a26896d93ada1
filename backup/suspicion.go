package backup

import (
	"fmt"
	"strings"

	"firn/outcome"
	"firn/snapshot"
)

// SuspectError is the error of a backup with a suspect snapshot. The snapshot is stored, unless it was a dry run, and a
// person has to look at the database.
type SuspectError struct {
	Snapshot *snapshot.Snapshot // its Suspect says why
	Good     *snapshot.Snapshot // the last good one, which is kept meanwhile; nil if there is none
	DryRun   bool
}

// Error says why the snapshot is suspect.
func (e *SuspectError) Error() string {
	reasons := strings.Join(e.Snapshot.Suspect, "; ")
	if e.DryRun {
		return "the snapshot would be suspect: " + reasons
	}
	return fmt.Sprintf("snapshot %s is stored, and suspect: %s", e.Snapshot.ID.Short(), reasons)
}

// suspicion returns a [SuspectError] with a hint, nil if nothing is suspect.
func (r *Result) suspicion() error {
	if len(r.Snapshot.Suspect) == 0 {
		return nil
	}
	hint := "If that is meant, run it once with --accept."
	if r.Good != nil {
		hint += fmt.Sprintf(" Until then the last good one, %s, is kept.", r.Good.ID.Short())
	}
	return outcome.New(&SuspectError{r.Snapshot, r.Good, r.DryRun}, 0, hint)
}
