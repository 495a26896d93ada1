package answer

import (
	"time"

	"firn/restore"
)

// Restore is the summary of a restore in JSON.
type Restore struct {
	Type         string  `json:"message_type"` // "summary"
	DryRun       bool    `json:"dry_run"`
	SnapshotID   string  `json:"snapshot_id"`
	Environment  string  `json:"environment"` // of the snapshot
	Target       string  `json:"target"`
	Size         int64   `json:"size"`
	Method       string  `json:"method"`
	PagesWritten int64   `json:"pages_written"`
	PreRestoreID string  `json:"pre_restore_id,omitempty"` // the snapshot of the replaced content
	Kept         string  `json:"kept,omitempty"`           // the path of the replaced file, if it was no database
	Scrubbed     bool    `json:"scrubbed"`
	Verified     string  `json:"verified,omitempty"` // the time when the snapshot was last found sound
	Duration     float64 `json:"duration"`
}

// NewRestore fills a [Restore] with the facts of a plan.
func NewRestore(plan *restore.Plan) Restore {
	m := Restore{
		Type: "summary", SnapshotID: plan.Snapshot.ID.String(), Environment: plan.Snapshot.Environment,
		Target: plan.Target.Path, Size: plan.Snapshot.Image().Size, Scrubbed: plan.Scrub != "",
	}
	if found := plan.Snapshot.Verified; found.Sound() {
		m.Verified = found.Time.Format(time.RFC3339)
	}
	return m
}

// Add adds what a run of the plan has done.
func (m *Restore) Add(result *restore.Result) {
	m.Method, m.PagesWritten, m.Kept = result.Method, result.PagesWritten, result.Kept
	if result.Saved != nil {
		m.PreRestoreID = result.Saved.ID.String()
	}
}
