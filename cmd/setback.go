package cmd

import (
	"fmt"
	"time"

	"firn/repo"
)

// setBackInfo is in JSON what [repo.SetBack] says.
type setBackInfo struct {
	SnapshotID     string    `json:"snapshot_id"` // that is missing
	Environment    string    `json:"environment"`
	Database       string    `json:"database"`
	Time           time.Time `json:"time"`
	Sequence       uint64    `json:"sequence"`
	Newest         string    `json:"newest,omitempty"`
	NewestSequence uint64    `json:"newest_sequence"`
}

func newSetBack(b *repo.SetBack) *setBackInfo {
	info := &setBackInfo{
		SnapshotID: b.ID.String(), Environment: b.Environment, Database: b.Database, Time: b.Time, Sequence: b.Sequence,
	}
	if b.Newest != nil {
		info.Newest, info.NewestSequence = b.Newest.ID.String(), b.Newest.Sequence
	}
	return info
}

// warnSetBack is heard with --quiet, too: who sets a repository back may want to
// hide something.
func (c *cli) warnSetBack(b *repo.SetBack) {
	newest := "there is none left"
	if s := b.Newest; s != nil {
		newest = fmt.Sprintf("the newest is %s of %s, number %d", s.ID.Short(), c.when(s.Time), s.Sequence)
	}
	c.warn("the repository may have been set back: snapshot %s of %s, %s, number %d, which was stored from here, is not there; %s. "+
		"Was an old copy put back, or the snapshot forgotten from another host?",
		b.ID.Short(), b.Environment, c.when(b.Time), b.Sequence, newest)
}
