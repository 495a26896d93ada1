package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"firn/snapshot"
)

// A run that is killed between its record (W3) and its second look (W4) leaves a record that
// was not acknowledged. A prune that had listed the records before may have taken away blobs
// of it. Such a record differs from a damaged one: a plan was published since the listing
// that it names, and the prune of that plan had not seen it. Under new plans no run
// acknowledges the record any more (docs/format.md, section 6). So a prune that misses one
// of its blobs can go on without it, whether its run is dead or asleep.

// unacknowledgedAge is how old such a record is before a prune removes it. No safety
// depends on that: until then its own host can, and people can look at it.
const unacknowledgedAge = 24 * time.Hour

// seenLen is how much of a snapshot's ID stands in a plan.
const seenLen = 4

// seenIn encodes, for a plan, the snapshots that its prune has found whole.
func seenIn(list []*snapshot.Snapshot) []byte {
	seen := make([]byte, 0, seenLen*len(list))
	for _, s := range list {
		seen = append(seen, s.ID[:seenLen]...)
	}
	return seen
}

// saw reports whether the prune that wrote the plan may have seen a snapshot.
func (p *plan) saw(id snapshot.ID) bool {
	if p.Seen == nil { // it does not tell
		return p.Sequence > 0
	}
	for rest := p.Seen; len(rest) >= seenLen; rest = rest[seenLen:] {
		if bytes.Equal(rest[:seenLen], id[:seenLen]) {
			return true
		}
	}
	return false
}

// unacknowledged reports whether a snapshot was not acknowledged and never will be, if err is
// why it cannot be read under the plans of a listing.
func (v *listing) unacknowledged(s *snapshot.Snapshot, err error) bool {
	if !errors.Is(err, errMissing) || s.Token == v.token || len(v.plans) == 0 {
		return false
	}
	for _, p := range v.plans {
		if p.saw(s.ID) {
			return false
		}
	}
	return true
}

// unacknowledgedSet is the records that a prune takes for unacknowledged under a set of plans.
type unacknowledgedSet struct {
	token string
	ids   map[snapshot.ID]bool
}

// goOnWithout reports whether a prune can leave a snapshot out. That its blobs are not found
// once is no proof, as prunes may have moved them: it must have been so in the run before
// this one, under the same plans.
func (p *prune) goOnWithout(s *snapshot.Snapshot, err error) bool {
	if !p.listing.unacknowledged(s, err) {
		return false
	}
	p.unacknowledged.ids[s.ID] = true
	return p.earlier != nil && p.earlier.token == p.listing.token && p.earlier.ids[s.ID]
}

// confirmUnacknowledged makes sure that no plan was published between the first and the second of the
// two listings of packs.
func (p *prune) confirmUnacknowledged(ctx context.Context) error {
	if len(p.result.Unacknowledged) == 0 {
		return nil
	}
	settled, err := p.repo.settled(ctx, p.listing)
	if err != nil {
		return fmt.Errorf("look for plans: %w", err)
	}
	if !settled {
		return fmt.Errorf("%w: plans were published while it looked for what is missing", ErrUnsettled)
	}
	return nil
}

// forgetUnacknowledged removes the records of some age that this run has gone on without.
func (p *prune) forgetUnacknowledged(ctx context.Context) error {
	var ids []snapshot.ID
	for _, s := range p.result.Unacknowledged {
		for _, o := range p.listing.holders() {
			if o.Name == recordObject(s) && p.age(o.Time) > unacknowledgedAge {
				ids = append(ids, s.ID)
			}
		}
	}
	if p.opts.DryRun {
		return nil
	}
	return p.repo.forget(ctx, ids, nil)
}
