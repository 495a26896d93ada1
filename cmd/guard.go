package cmd

import (
	"fmt"
	"strings"

	"firn/outcome"
	"firn/repo"
)

// suspicion is the error of a run whose snapshot is suspect: it is stored, and whoever
// watches the backups has to look.
func suspicion(result *repo.BackupResult, dryRun bool) error {
	s := result.Snapshot
	if len(s.Suspect) == 0 {
		return nil
	}
	reasons, hint := strings.Join(s.Suspect, "; "), "If that is meant, run it once with --accept."
	if result.Good != nil {
		hint = fmt.Sprintf("The last good one, %s, is kept until then. %s", result.Good.ID.Short(), hint)
	}
	if dryRun {
		return outcome.Failed(hint, "the snapshot would be suspect: %s", reasons)
	}
	return outcome.Failed(hint, "snapshot %s is stored, and suspect: %s", s.ID.Short(), reasons)
}
