package repo

import (
	"time"

	"firn/snapshot"
)

// PruneOptions says how to free space. The zero value is right for most uses.
type PruneOptions struct {
	DryRun bool // change nothing, only return the outcome that the run would have
	// OrphanAge is for how long a pack that no snapshot needs is taken for the
	// upload of a running backup; by the store's clock. Zero means a day,
	// less than zero not at all. It saves work, safety does not depend on it.
	OrphanAge time.Duration
	// IfDue does nothing unless the last prune was some hours ago: Every, or six without that.
	IfDue bool
	Every time.Duration
	// Progress is called with the bytes of blobs that were copied so far and in all; nil for none.
	Progress func(done, total int64)
}

// PruneResult is the outcome of [Repo.Prune], or of a dry run.
type PruneResult struct {
	Skipped   bool  // IfDue was asked for, and it was not
	Deleted   int   // packs deleted
	Condemned int   // packs condemned: a later prune deletes them
	Copied    int64 // bytes of blobs copied out of packs that are mostly garbage
	Freed     int64 // bytes of the packs deleted
	Pending   int64 // bytes of the packs that are condemned now
	Packs     int   // that are left
	Size      int64 // of these, in bytes
	// NoRoom is set if the store had no room for all blobs that were to be copied, or for the
	// plan: the rest was done, and a later prune goes on. It matches [store.ErrNoSpace].
	NoRoom error
	// Unacknowledged are snapshots whose runs were killed before their second look, so that
	// they were never acknowledged, and whose blobs are gone since. Prune went on without them.
	Unacknowledged []*snapshot.Snapshot
	// ForgottenBy are other hosts that have forgotten snapshots in rounds during the last week, whose room is not freed yet.
	ForgottenBy []string
}
