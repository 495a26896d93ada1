package cmd

import (
	"time"

	"firn/repo"
)

// setBackInfo is in JSON what [repo.Rollback] says.
type setBackInfo struct {
	SnapshotID     string    `json:"snapshot_id"` // that is missing
	Environment    string    `json:"environment"`
	Database       string    `json:"database"`
	Time           time.Time `json:"time"`
	Sequence       uint64    `json:"sequence"`
	Newest         string    `json:"newest,omitempty"`
	NewestSequence uint64    `json:"newest_sequence"`
}

func newSetBack(b *repo.Rollback) *setBackInfo {
	info := &setBackInfo{
		SnapshotID: b.ID.String(), Environment: b.Environment, Database: b.Database, Time: b.Time, Sequence: b.Sequence,
	}
	if b.Newest != nil {
		info.Newest, info.NewestSequence = b.Newest.ID.String(), b.Newest.Sequence
	}
	return info
}
