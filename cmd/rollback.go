package cmd

import (
	"time"

	"firn/repo"
)

// rollbackInfo is a [repo.Rollback] in JSON.
type rollbackInfo struct {
	SnapshotID     string    `json:"snapshot_id"` // of the missing snapshot
	Environment    string    `json:"environment"`
	Database       string    `json:"database"`
	Time           time.Time `json:"time"`
	Sequence       uint64    `json:"sequence"`
	Newest         string    `json:"newest,omitempty"`
	NewestSequence uint64    `json:"newest_sequence"`
}

// newRollbackInfo fills a [rollbackInfo].
func newRollbackInfo(b *repo.Rollback) *rollbackInfo {
	info := &rollbackInfo{
		SnapshotID: b.ID.String(), Environment: b.Environment, Database: b.Database, Time: b.Time, Sequence: b.Sequence,
	}
	if b.Newest != nil {
		info.Newest, info.NewestSequence = b.Newest.ID.String(), b.Newest.Sequence
	}
	return info
}
