package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Item holds the facts about a snapshot that the rules need.
type Item struct {
	ID         string
	Time       time.Time
	Pinned     bool
	Verified   bool // the snapshot was found sound, and is not suspect
	BySQLite   bool // the snapshot is verified, by SQLite itself
	Unsound    bool // the snapshot was found not sound
	Unread     bool // a note on it cannot be read, and may say that it must stay
	Suspect    bool // its image is probably a mistake
	PreRestore bool // a restore took it of the database that it was about to replace
}

// Decision says whether an item stays, and why.
type Decision struct {
	Item
	Keep bool
	// Reasons names every rule that keeps the item. It is empty if the item goes: "last 3"
	// (the third newest), "within 2h", "minutely 2026-11-21 03:12 UTC", "hourly 2026-11-21 03:00 UTC",
	// "daily 2026-11-21", "weekly 2026-W47", "monthly 2026-11", "yearly 2026", "pre-restore within 30d",
	// "pinned", "unreadable note", "newest verified", "newest checked by SQLite", "newest
	// unsound", "newest not suspect", "newest", "later than now".
	Reasons []string
}

// Ahead reports whether the item is later than the time of the decision. Then either the
// clock that dated the item is wrong, or the clock of the decision is. No rule counts such
// an item.
func (d *Decision) Ahead() bool { return slices.Contains(d.Reasons, ahead) }

const ahead = "later than now"

func (d *Decision) keep(reason string) {
	d.Keep = true
	d.Reasons = append(d.Reasons, reason)
}

// Apply decides about the items of one environment and database, in any order,
// and returns a decision for each, newest first, equal times by ID.
//
// The policy's other rules ignore items taken before a restore. Such an item stays while it
// is younger than [Policy.PreRestore] at the time now.
//
// Some items stay under every policy: pinned items, items with a note that cannot be read,
// the newest item that a backup made, the newest such item that is not suspect, the newest
// such item that is verified, the newest one of these that was verified by SQLite, and the
// newest item of all. The newest item that was found
// not sound stays as well if it is newer than the newest verified one, so that the finding
// is not forgotten before there is a sound item. So at least one item stays, even under a
// policy that keeps nothing.
//
// Items later than now stay, and the rules above are applied as if these items did not
// exist. So whichever clock is wrong, such an item neither takes the place of another item
// nor counts as the newest. A clock that is behind makes more items stay, never fewer.
//
// The policy should be valid; see [Policy.Validate].
func (p Policy) Apply(items []Item, now time.Time) []Decision {
	decisions := make([]Decision, len(items))
	for i, item := range items {
		decisions[i].Item = item
	}
	slices.SortStableFunc(decisions, func(a, b Decision) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID))
	})
	past := decisions[keepAhead(decisions, now):]
	backups := choose(past, func(d *Decision) bool { return !d.PreRestore })
	p.keepRecent(backups)
	p.keepPeriods(backups)
	p.keepPreRestore(past, now)
	keepSpecial(decisions, past, backups)
	return decisions
}

// keepAhead keeps the items later than now, which come first, and returns their number.
func keepAhead(decisions []Decision, now time.Time) int {
	n := 0
	for n < len(decisions) && decisions[n].Time.After(now) {
		decisions[n].keep(ahead)
		n++
	}
	return n
}

// earlyGap is the least gap between an item that a wrong clock has probably dated and all
// newer items. A clock without a battery starts years back.
const earlyGap = 2 * 365 * 24 * time.Hour

// Early returns the oldest of the decisions of [Policy.Apply] if its item is years older
// than all others and only the yearly rule keeps it. Otherwise it returns nil. Such an item
// was probably dated by a wrong clock, and the yearly rule keeps it although it is of no
// use.
func Early(decisions []Decision) *Decision {
	n := len(decisions)
	if n < 2 || decisions[n-2].Time.Sub(decisions[n-1].Time) < earlyGap {
		return nil
	}
	oldest := &decisions[n-1]
	if len(oldest.Reasons) != 1 || !strings.HasPrefix(oldest.Reasons[0], "yearly ") {
		return nil
	}
	return oldest
}

// choose returns the matching decisions, in order.
func choose(decisions []Decision, match func(*Decision) bool) []*Decision {
	var chosen []*Decision
	for i := range decisions {
		if match(&decisions[i]) {
			chosen = append(chosen, &decisions[i])
		}
	}
	return chosen
}

// keepRecent applies the rules that look at single snapshots, last and within.
func (p Policy) keepRecent(backups []*Decision) {
	for i, d := range backups {
		if p.Last.covers(i + 1) {
			d.keep(fmt.Sprintf("last %d", i+1))
		}
		if p.Within > 0 && d.Time.After(backups[0].Time.Add(-p.Within)) {
			d.keep("within " + FormatDuration(p.Within))
		}
	}
}

// keepPeriods applies the calendar rules. Each rule has its own set of the periods it has
// seen. It looks up a period in this set, and does not only compare it with the one before,
// because the snapshots of two days alternate where summer time ends at midnight.
func (p Policy) keepPeriods(backups []*Decision) {
	for _, r := range p.rules() {
		if r.period == nil || r.count == 0 {
			continue
		}
		seen := make(map[string]bool)
		for _, d := range backups {
			period := r.period(d.Time.In(p.location()))
			if seen[period] {
				continue
			}
			seen[period] = true
			if !r.count.covers(len(seen)) {
				break
			}
			d.keep(r.name + " " + period)
		}
	}
}

// keepPreRestore applies the rule for snapshots taken before a restore.
func (p Policy) keepPreRestore(decisions []Decision, now time.Time) {
	start := now.Add(-p.preRestore())
	for _, d := range choose(decisions, func(d *Decision) bool { return d.PreRestore }) {
		if d.Time.After(start) {
			d.keep("pre-restore within " + FormatDuration(p.preRestore()))
		}
	}
}

// keepSpecial keeps the items that stay under every policy.
func keepSpecial(decisions, past []Decision, backups []*Decision) {
	for _, d := range choose(decisions, func(d *Decision) bool { return d.Pinned }) {
		d.keep("pinned")
	}
	for _, d := range choose(decisions, func(d *Decision) bool { return d.Unread }) {
		d.keep("unreadable note")
	}
	if i := slices.IndexFunc(backups, func(d *Decision) bool { return d.Verified }); i >= 0 {
		backups[i].keep("newest verified")
	}
	if i := slices.IndexFunc(backups, func(d *Decision) bool { return d.BySQLite }); i >= 0 {
		backups[i].keep("newest checked by SQLite")
	}
	if i := slices.IndexFunc(backups, func(d *Decision) bool { return d.Verified || d.Unsound }); i >= 0 && backups[i].Unsound {
		backups[i].keep("newest unsound")
	}
	if i := slices.IndexFunc(backups, func(d *Decision) bool { return !d.Suspect }); i > 0 {
		backups[i].keep("newest not suspect")
	}
	if len(backups) > 0 {
		backups[0].keep("newest")
	}
	if len(past) > 0 && past[0].PreRestore {
		past[0].keep("newest")
	}
}

// rule is one of the policy's counts.
type rule struct {
	name   string
	count  Count
	period func(time.Time) string // nil: each snapshot is a period of its own
}

func (p Policy) rules() []rule {
	return []rule{
		{"last", p.Last, nil},
		{"minutely", p.Minutely, minute},
		{"hourly", p.Hourly, hour},
		{"daily", p.Daily, date},
		{"weekly", p.Weekly, week},
		{"monthly", p.Monthly, month},
		{"yearly", p.Yearly, year},
	}
}

// The zone distinguishes the two hours that have the same name when summer time ends.
func minute(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }
func hour(t time.Time) string   { return t.Format("2006-01-02 15:00 MST") }
func date(t time.Time) string   { return t.Format("2006-01-02") }
func month(t time.Time) string  { return t.Format("2006-01") }
func year(t time.Time) string   { return t.Format("2006") }

func week(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}
