package cmd

import (
	"fmt"
	"strconv"
	"strings"

	"firn/repo"
	"firn/snapshot"
)

// defaultMaxShrink is of environments without max_shrink.
const defaultMaxShrink = 0.5

// share is a part of a whole, from 0 to 1, and "50%" in the configuration. It keeps
// its error as [count] does.
type share struct {
	part float64
	err  error
}

// UnmarshalText reads the share.
func (s *share) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "%")
	percent, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(percent >= 0 && percent <= 100) {
		s.err = fmt.Errorf(`max_shrink: %q is not a share such as "50%%"`, text)
	}
	s.part = percent / 100
	return nil
}

// guard returns what backups of the environment are compared by, nil if they are not.
func (e *environment) guard() *snapshot.Guard {
	if e.Guard != nil && !*e.Guard {
		return nil
	}
	if e.MaxShrink == nil {
		return &snapshot.Guard{MaxShrink: defaultMaxShrink}
	}
	return &snapshot.Guard{MaxShrink: e.MaxShrink.part}
}

func (e *environment) checkGuard() error {
	if e.MaxShrink == nil {
		return nil
	}
	return e.MaxShrink.err
}

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
		return failed(hint, "the snapshot would be suspect: %s", reasons)
	}
	return failed(hint, "snapshot %s is stored, and suspect: %s", s.ID.Short(), reasons)
}
