package repo

import (
	"fmt"
	"slices"
	"time"

	"firn/retention"
	"firn/snapshot"
)

// CopyPlan says which snapshots are to be copied.
type CopyPlan struct {
	Copy    []*snapshot.Snapshot // of the source, oldest first
	There   int                  // how many were copied before
	LeftOut int                  // how many the rules of the target would remove at once
	Expired []*snapshot.Snapshot // of the target: those that its rules remove when the copies are there
	// Conflicts has an error for each snapshot of which the target has a copy that
	// is not one: of another time, name or size. They are left as they are.
	Conflicts []error
}

// Plan decides which of the chosen snapshots of the source to copy. With rules, by
// environment, it leaves out the snapshots that the rules would remove from the target if
// all were copied. So a plan that follows upon the copies is empty. Without rules for an
// environment all of its snapshots are copied.
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

// alike compares the facts that a copy has from its original.
func alike(a, b *snapshot.Snapshot) bool {
	return a.Time.Equal(b.Time) && a.Environment == b.Environment && a.Database == b.Database && a.Image().Size == b.Image().Size
}

// removed returns the snapshots that the rules remove from the target, if all chosen ones are copied.
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

// union returns the snapshots that the target will have of the chosen databases of an
// environment, if all are copied.
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

// unknown returns a snapshot without the notes that its copy will not have.
func unknown(s *snapshot.Snapshot) *snapshot.Snapshot {
	copied := *s
	copied.Verified, copied.NoteUnread = nil, false
	return &copied
}
