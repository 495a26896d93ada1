// Package answer has the results of commands as JSON: firn prints them with --json, and serves them over HTTP.
package answer

import (
	"time"

	"firn/snapshot"
)

// Snapshot is a snapshot in JSON.
type Snapshot struct {
	ID          string    `json:"id"`
	ShortID     string    `json:"short_id"`
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Hostname    string    `json:"hostname"`
	Tags        []string  `json:"tags"`
	Size        int64     `json:"size"`
	Added       int64     `json:"added"`
	Parent      string    `json:"parent,omitempty"`
	ReplacedBy  string    `json:"replaced_by,omitempty"`
	Unchanged   bool      `json:"unchanged"`
	Pinned      bool      `json:"pinned"`
	Suspect     []string  `json:"suspect,omitempty"` // the reasons for suspicion

	Rows     *int64               `json:"rows"`     // of all tables; null: not known
	Tables   []snapshot.TableRows `json:"tables"`   // null: not known, or too many
	Verified *Verified            `json:"verified"` // null: never

	Original *snapshot.Origin `json:"original,omitempty"` // of a copy
}

// Verified is how a snapshot was found: by verify, by a restore, or when it was taken.
type Verified struct {
	Time    time.Time `json:"time"`
	How     string    `json:"how"`
	Sound   bool      `json:"sound"`
	Problem string    `json:"problem,omitempty"`

	Unchecked []string `json:"unchecked,omitempty"` // the parts that could not be checked

	// If not all pages were checked then: the time when they were, and the snapshot of which, if only the differences from it were
	// checked since.
	Whole *time.Time `json:"whole,omitempty"`
	Since string     `json:"since,omitempty"`
}

// newVerified returns a verification for JSON, nil for none.
func newVerified(v *snapshot.Verification) *Verified {
	if v == nil {
		return nil
	}
	return &Verified{v.Time, v.How, v.Sound(), v.Problem, v.Unchecked, timeOrNil(v.Whole), idText(v.Since)}
}

// NewSnapshot fills a [Snapshot].
func NewSnapshot(s *snapshot.Snapshot) Snapshot {
	return Snapshot{
		ID: s.ID.String(), ShortID: s.ID.Short(), Time: s.Time,
		Environment: s.Environment, Database: s.Database, Hostname: s.Host,
		Tags: append([]string{}, s.Tags...),
		Size: s.Image().Size, Added: s.Added,
		Parent: idText(s.Parent), ReplacedBy: idText(s.ReplacedBy),
		Unchanged: s.Unchanged, Pinned: s.Pinned, Suspect: s.Suspect, Verified: newVerified(s.Verified),
		Rows: s.Image().RowCount, Tables: s.Image().Tables, Original: s.Original,
	}
}

// NewSnapshots returns the snapshots of a list for JSON.
func NewSnapshots(list []*snapshot.Snapshot) []Snapshot {
	messages := make([]Snapshot, 0, len(list))
	for _, s := range list {
		messages = append(messages, NewSnapshot(s))
	}
	return messages
}

// idText returns an ID as text, "" for none.
func idText(id snapshot.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
