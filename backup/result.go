package backup

import (
	"fmt"
	"strings"
	"time"

	"firn/repo"
	"firn/report"
)

// Result tells what a backup has done. Its values are not to be changed.
type Result struct {
	repo.BackupResult
	DryRun   bool          // nothing was written
	Duration time.Duration // of the backup alone, without commands and the lock
}

// Size returns the number of bytes of the database.
func (r *Result) Size() int64 { return r.Snapshot.Image().Size }

// Unchanged reports whether the database is the same as in the snapshot before.
func (r *Result) Unchanged() bool { return r.Snapshot.Unchanged || r.Skipped }

// Summary returns the result in one line, for the log of a cron job and for a monitor.
func (r *Result) Summary(zone *time.Location) string {
	var b strings.Builder
	s := r.Snapshot
	fmt.Fprintf(&b, "%s %s: ", s.Time.In(zone).Format("2006-01-02 15:04:05 MST"), s.Environment)
	switch {
	case r.Skipped:
		fmt.Fprintf(&b, "unchanged since snapshot %s, nothing recorded", s.ID.Short())
	case r.DryRun:
		fmt.Fprintf(&b, "dry run, would store %s, %s of it new", report.Size(r.Size()), report.Size(s.Added))
	case s.Unchanged:
		fmt.Fprintf(&b, "snapshot %s, %s, unchanged", s.ID.Short(), report.Size(r.Size()))
	default:
		fmt.Fprintf(&b, "snapshot %s, %s, added %s", s.ID.Short(), report.Size(r.Size()), report.Size(s.Added))
	}
	fmt.Fprintf(&b, ", in %s", report.Elapsed(r.Duration))
	if n := len(r.Forgotten); n > 0 {
		verb := "forgot"
		if r.DryRun {
			verb = "would forget"
		}
		fmt.Fprintf(&b, ", %s %s", verb, report.Plural(n, "old snapshot"))
	}
	return b.String()
}
