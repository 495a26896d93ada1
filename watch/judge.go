package watch

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/snapshot"
)

// complaint is why a person has to look at the newest snapshot of a database. The zero complaint is none.
type complaint struct {
	kind      string // of the event
	reason    string
	state     State
	unwritten int // how many changes there are that SQLite has not written
}

// complaintOf returns why a person has to look at a snapshot. Damage comes before what may be meant.
func complaintOf(s *snapshot.Snapshot) complaint {
	unwritten := snapshot.UnwrittenChanges(s.Suspect)
	last := unwritten[max(0, len(unwritten)-1):]
	switch {
	case s.Verified != nil && !s.Verified.Sound():
		return complaint{kindUnsound, strings.Join(append([]string{s.Verified.Problem}, last...), "; "), Damaged, len(unwritten)}
	case len(last) > 0:
		return complaint{kindSuspect, last[0], Suspicious, len(unwritten)}
	case len(s.Suspect) > 0:
		return complaint{kindSuspect, s.Suspect[0], Suspicious, 0}
	}
	return complaint{}
}

// judge tells once that the snapshots of a database have become unsound or suspect, or are not any more. Each change that SQLite has
// not written is told, whatever was told before.
func (w *Watch) judge(d *database, result *repo.BackupResult) {
	was, is := d.complaint, complaintOf(result.Snapshot)
	if was.kind == kindUnsound && result.Snapshot.Verified == nil {
		is = was // not all of its pages may be checked in each round
	}
	d.complaint = is
	if was.kind != "" && was.kind != is.kind {
		w.tellOf(d, Fact, was.kind, "its snapshots are not %s any more", was.kind)
	}
	if is.kind != "" && (was.kind != is.kind || is.unwritten > was.unwritten) {
		w.complain(d, is, result.Snapshot)
	}
	if result.Rollback != nil && !d.setBack {
		w.tellOf(d, Problem, kindSuspect, "%v: a snapshot that this host has stored is not there. %s", outcome.ErrRolledBack, outcome.WayForward)
		w.alarm(d.env, outcome.ErrRolledBack)
	}
	d.setBack = result.Rollback != nil
	if is.kind != "" {
		d.state = is.state
	}
}

// complain tells what is wrong with a snapshot.
func (w *Watch) complain(d *database, c complaint, s *snapshot.Snapshot) {
	env := report.QuoteWord(d.env.Name)
	if c.kind == kindUnsound {
		w.alarm(d.env, fmt.Errorf("snapshot %s is not sound: %s", s.ID.Short(), c.reason))
		w.tellOf(d, Problem, c.kind, `snapshot %s is stored, and its database is not sound: %s. Look at the disk, and at what else writes the file; if rows without a parent are no fault, foreign_keys = false in the environment. "firn restore %s --snapshot %s" puts the newest sound one back.`,
			s.ID.Short(), c.reason, env, snapshot.LatestVerified)
		return
	}
	w.alarm(d.env, fmt.Errorf("snapshot %s is suspect: %s", s.ID.Short(), c.reason))
	w.tellOf(d, Problem, c.kind, `snapshot %s is stored, and suspect: %s. If that is meant, stop the watch, run "firn backup %s --accept", and start it again. If not: "firn restore %[3]s".`,
		s.ID.Short(), c.reason, env)
}

// wholePace bounds how often a watch checks all pages of a database: in its rounds, what differs is checked. All pages are checked
// where that proves nothing, as after a large change, and again and again while the database is damaged.
type wholePace struct {
	mu   sync.Mutex
	next time.Time
}

// Checking all pages takes some 500 MB a second, and is to take not more than a hundredth of the time.
const (
	leastPause   = time.Minute
	wholePerTime = 5 << 20 // bytes for each second
)

// may reports whether all pages of a database of so many bytes may be checked now, and counts on it.
func (p *wholePace) may(now time.Time, size int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return false
	}
	p.next = now.Add(leastPause + time.Duration(size/wholePerTime)*time.Second)
	return true
}
