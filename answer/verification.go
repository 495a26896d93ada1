package answer

import (
	"time"

	"firn/verify"
)

// Verification is the outcome of a snapshot's verification in JSON.
type Verification struct {
	Type        string    `json:"message_type"` // "summary"
	SnapshotID  string    `json:"snapshot_id"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time"` // of the snapshot
	Size        int64     `json:"size"`
	How         string    `json:"how"`
	Sound       bool      `json:"sound"`
	Problem     string    `json:"problem,omitempty"`
	Unchecked   []string  `json:"unchecked,omitempty"` // the parts that could not be checked

	// If not all pages were checked now: the time when they were, and the snapshot of which, if only the differences from it were
	// checked since.
	Whole *time.Time `json:"whole,omitempty"`
	Since string     `json:"since,omitempty"`

	Duration float64 `json:"duration"`
}

// NewVerification fills a [Verification].
func NewVerification(found *verify.Outcome) Verification {
	snap, v := found.Snapshot, found.Verification
	return Verification{
		Type: "summary", SnapshotID: snap.ID.String(), Environment: snap.Environment, Database: snap.Database, Time: snap.Time,
		Size: snap.Image().Size, How: v.How, Sound: v.Sound(), Problem: v.Problem, Unchecked: v.Unchecked,
		Whole: timeOrNil(v.Whole), Since: idText(v.Since), Duration: found.Took.Seconds(),
	}
}
