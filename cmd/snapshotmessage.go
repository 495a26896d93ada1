package cmd

import (
	"time"

	"firn/snapshot"
)

// snapshotMessage is a snapshot in JSON.
type snapshotMessage struct {
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
	Verified *verifiedInfo        `json:"verified"` // null: never

	Original *snapshot.Origin `json:"original,omitempty"` // of a copy
}

// verifiedInfo is the last outcome of verify for a snapshot.
type verifiedInfo struct {
	Time    time.Time `json:"time"`
	How     string    `json:"how"`
	Sound   bool      `json:"sound"`
	Problem string    `json:"problem,omitempty"`

	Unchecked []string `json:"unchecked,omitempty"` // the parts that could not be checked
}

// newVerified returns a verification for JSON, nil for none.
func newVerified(v *snapshot.Verification) *verifiedInfo {
	if v == nil {
		return nil
	}
	return &verifiedInfo{v.Time, v.How, v.Sound(), v.Problem, v.Unchecked}
}

// newSnapshotMessage fills a [snapshotMessage].
func newSnapshotMessage(s *snapshot.Snapshot) snapshotMessage {
	return snapshotMessage{
		ID: s.ID.String(), ShortID: s.ID.Short(), Time: s.Time,
		Environment: s.Environment, Database: s.Database, Hostname: s.Host,
		Tags: append([]string{}, s.Tags...),
		Size: s.Image().Size, Added: s.Added,
		Parent: idText(s.Parent), ReplacedBy: idText(s.ReplacedBy),
		Unchanged: s.Unchanged, Pinned: s.Pinned, Suspect: s.Suspect, Verified: newVerified(s.Verified),
		Rows: s.Image().RowCount, Tables: s.Image().Tables, Original: s.Original,
	}
}

// newSnapshotMessages returns the snapshots of a list for JSON.
func newSnapshotMessages(list []*snapshot.Snapshot) []snapshotMessage {
	messages := make([]snapshotMessage, 0, len(list))
	for _, s := range list {
		messages = append(messages, newSnapshotMessage(s))
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
