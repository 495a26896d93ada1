package upkeep

import (
	"context"
	"fmt"
	"slices"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
)

// CheckOptions say how thoroughly a repository is checked. The zero value is for its structure alone.
type CheckOptions struct {
	ReadData bool   // read and verify every byte
	Subset   Subset // the packs to read and verify, if it is not nil
	ReadSome bool   // read one pack at least, if Subset has none
}

// Check looks for damage in the repository, and changes nothing, but that a note tells all hosts when every byte was read.
// Without an error no damage was found. With an error and a result, there is the damage that the result tells of: the
// error matches [outcome.ErrDamage] and says what to do.
func Check(ctx context.Context, s *session.Session, o CheckOptions) (*repo.CheckResult, error) {
	readData := o.ReadData || o.Subset != nil
	m := s.Progress("check", 0)
	result, err := s.Repo.Check(ctx, repo.CheckOptions{ReadData: readData, Subset: o.Subset, ReadSome: o.ReadSome, Progress: m.SetTotal})
	m.Done()
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", s.Place, err)
	}
	s.WarnUnacknowledged(result.Unacknowledged)
	if len(result.Findings) == 0 {
		if readData && result.Read >= result.Bytes {
			s.NoteUpkeep(ctx, snapshot.Upkeep{Checked: s.Now()})
		}
		return result, nil
	}
	hit := slices.ContainsFunc(result.Findings, func(f repo.Finding) bool { return len(f.Snapshots) > 0 })
	return result, damage(s, report.Plural(len(result.Findings), "finding"), wayOut(hit))
}

// damage is the error of a check that found damage.
func damage(s *session.Session, what, hint string) error {
	return outcome.New(fmt.Errorf("check %s: %w: %s", s.Place, outcome.ErrDamage, what), outcome.CodeDamage, hint)
}

// The steps out of damage, as the hints tell them.
const (
	hintDisk   = "Check the disk. Put the named objects back from a copy of the repository, if there is one. "
	hintRepair = `"firn check --repair" puts right what can be`
	hintHeal   = `"firn backup --all --force-scan" stores anew what the databases still hold, for older snapshots, too; ` +
		`then "firn check --repair --forget-lost" forgets what stays lost.`
)

// wayOut says what to do, with hit if damage keeps a snapshot from being restored. Such damage can be undone only as far as
// there are copies, but the next backups can be made sound.
func wayOut(hit bool) string {
	if !hit {
		return hintDisk + "Every readable snapshot can be restored. " + hintRepair + "."
	}
	return hintDisk + "Else " + hintRepair + "; " + hintHeal
}
