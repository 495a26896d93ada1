package answer

import (
	"time"

	"firn/backup"
	"firn/repo"
)

// Backup is the summary of an environment's backup in JSON.
type Backup struct {
	Type        string    `json:"message_type"` // "summary"
	SnapshotID  string    `json:"snapshot_id"`  // of the earlier snapshot, if skipped
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time"`
	Size        int64     `json:"size"`
	Scanned     int64     `json:"scanned"` // bytes of the database that were read
	Added       int64     `json:"added"`
	Chunks      int       `json:"chunks"`
	ChunksNew   int       `json:"chunks_new"`
	Unchanged   bool      `json:"unchanged"`
	Skipped     bool      `json:"skipped"`
	Suspect     []string  `json:"suspect,omitempty"` // the reasons for suspicion

	Verified *Verified `json:"verified,omitempty"` // what was found out about the database; null: nothing

	Uncompared string   `json:"uncompared,omitempty"` // the part that the guard did not compare
	DryRun     bool     `json:"dry_run"`
	Forgotten  []string `json:"forgotten"`
	Duration   float64  `json:"duration"`

	Ahead    []string  `json:"ahead,omitempty"` // IDs of snapshots with a time in the future: a clock was wrong
	Rollback *Rollback `json:"set_back,omitempty"`
}

// NewBackup fills a [Backup].
func NewBackup(result *backup.Result) Backup {
	s := result.Snapshot
	m := Backup{
		Type: "summary", SnapshotID: s.ID.String(), Environment: s.Environment, Database: s.Database, Time: s.Time,
		Size: result.Size(), Scanned: result.Scanned, Added: s.Added, Chunks: s.Chunks, ChunksNew: s.ChunksNew,
		Unchanged: result.Unchanged(), Skipped: result.Skipped, Suspect: s.Suspect, Verified: newVerified(s.Verified), Uncompared: result.Uncompared,
		DryRun: result.DryRun, Forgotten: []string{}, Duration: result.Duration.Seconds(),
	}
	for _, d := range result.Forgotten {
		m.Forgotten = append(m.Forgotten, d.ID)
	}
	for _, ahead := range result.Ahead {
		m.Ahead = append(m.Ahead, ahead.ID.String())
	}
	if result.Rollback != nil {
		m.Rollback = NewRollback(result.Rollback)
	}
	return m
}

// Rollback is a [repo.Rollback] in JSON.
type Rollback struct {
	SnapshotID     string    `json:"snapshot_id"` // of the missing snapshot
	Environment    string    `json:"environment"`
	Database       string    `json:"database"`
	Time           time.Time `json:"time"`
	Sequence       uint64    `json:"sequence"`
	Newest         string    `json:"newest,omitempty"`
	NewestSequence uint64    `json:"newest_sequence"`
}

// NewRollback fills a [Rollback].
func NewRollback(b *repo.Rollback) *Rollback {
	info := &Rollback{
		SnapshotID: b.ID.String(), Environment: b.Environment, Database: b.Database, Time: b.Time, Sequence: b.Sequence,
	}
	if b.Newest != nil {
		info.Newest, info.NewestSequence = b.Newest.ID.String(), b.Newest.Sequence
	}
	return info
}
