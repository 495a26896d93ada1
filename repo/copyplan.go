package repo

import (
	"fmt"
	"slices"
	"time"

	"firn/retention"
	"firn/snapshot"
)

// CopyPlan says what is to be copied.
type CopyPlan struct {
	Copy    []*snapshot.Snapshot // of the source, oldest first
	There   int                  // those that were copied before
	LeftOut int                  // those that the rules of the target would remove at once
	Expired []*snapshot.Snapshot // of the target: what its rules remove when the copies are there
	// Conflicts has an error for each snapshot of which the target has a copy that
	// is not one: of another time, name or size. They are left as they are.
	Conflicts []error
}

// Plan finds out what there is to copy of the chosen snapshots of the source. With
// rules, by environment, it leaves out what they would remove from the target, if all
// of it were there: so that a plan of what it leads to is empty. Without rules for an
// environment all is copied.
func (c *Copier) Plan(chosen []*snapshot.Snapshot, rules map[string]retention.Policy, now time.Time) *CopyPlan {
	p := &CopyPlan{}
	gone := c.removed(chosen, rules, now)
	for _, s := range chosen {
		to := c.copyOf(s)
		switch {
		case to != nil && !alike(s, to):
			p.Conflicts = append(p.Conflicts, fmt.Errorf("snapshot %s of %s: the target has another one, %s, that says it is a copy of it",
				s.ID.Short(), s.Environment, to.ID.Short()))
		case to != nil:
			p.There++
		case gone[s.ID]:
			p.LeftOut++
		default:
			p.Copy = append(p.Copy, s)
		}
	}
	snapshot.Sort(p.Copy)
	slices.Reverse(p.Copy)
	for _, s := range c.targets {
		if gone[s.ID] {
			p.Expired = append(p.Expired, s)
		}
	}
	return p
}

// alike compares what the copy of a snapshot has from its original.
func alike(a, b *snapshot.Snapshot) bool {
	return a.Time.Equal(b.Time) && a.Environment == b.Environment && a.Database == b.Database && a.Image().Size == b.Image().Size
}

// removed returns what the rules remove of the target, if all that is chosen is there.
func (c *Copier) removed(chosen []*snapshot.Snapshot, rules map[string]retention.Policy, now time.Time) map[snapshot.ID]bool {
	gone := make(map[snapshot.ID]bool)
	for environment, keep := range rules {
		for _, g := range Decide(c.union(chosen, environment), keep, now) {
			for _, d := range g.Decisions {
				id, _ := snapshot.ParseID(d.ID) // one of the list
				gone[id] = !d.Keep
			}
		}
	}
	return gone
}

// union returns what the target will have of the databases of an environment that
// some are chosen of, if nothing is left out.
func (c *Copier) union(chosen []*snapshot.Snapshot, environment string) []*snapshot.Snapshot {
	databases := make(map[string]bool)
	var list []*snapshot.Snapshot
	for _, s := range chosen {
		if s.Environment != environment {
			continue
		}
		databases[s.Database] = true
		if c.copyOf(s) == nil {
			list = append(list, unknown(s))
		}
	}
	for _, s := range c.targets {
		if s.Environment == environment && databases[s.Database] {
			list = append(list, s)
		}
	}
	return list
}

// unknown returns a snapshot without what notes tell of it that its copy will not have.
func unknown(s *snapshot.Snapshot) *snapshot.Snapshot {
	copied := *s
	copied.Verified, copied.NoteUnread = nil, false
	return &copied
}
