// Package retention decides which snapshots to keep, and why. It is a pure
// function of a policy, the snapshots of one environment and database, and the
// present time: no clock, no I/O.
package retention

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// DefaultPreRestore is how long snapshots taken before a restore are kept,
// unless the policy sets another duration.
const DefaultPreRestore = 30 * 24 * time.Hour

// ErrKeepsNothing is returned by [Policy.Validate] for a policy without a rule,
// which would remove all but the newest snapshot.
var ErrKeepsNothing = errors.New("no retention rule keeps anything")

// Policy is a set of rules. A snapshot stays if at least one rule keeps it.
// Each rule goes from the newest snapshot to the oldest:
//
//   - Last keeps that many snapshots
//   - Minutely, Hourly, Daily, Weekly, Monthly and Yearly each keep the newest
//     snapshot of a period, for that many of the latest periods that have a
//     snapshot; weeks are ISO weeks
//
// A count that is not used up does not keep the oldest snapshot as well, as it
// does in restic. The result depends on the periods alone, so that a young
// repository is thinned like an old one.
type Policy struct {
	Last, Minutely, Hourly, Daily, Weekly, Monthly, Yearly Count

	// Within keeps every snapshot that is older than the newest by less than
	// this.
	Within time.Duration
	// PreRestore is how long snapshots taken before a restore are kept,
	// counted from now; 0 means DefaultPreRestore.
	PreRestore time.Duration
	// Location is the time zone of the periods; nil means UTC.
	Location *time.Location
}

// IsZero reports whether no rule of the policy keeps anything. PreRestore does
// not count, because it keeps no snapshot that a backup made.
func (p Policy) IsZero() bool {
	for _, r := range p.rules() {
		if r.count != 0 {
			return false
		}
	}
	return p.Within == 0
}

// Validate returns an error for a negative number, and [ErrKeepsNothing] if
// [Policy.IsZero]. Callers that delete by the policy check it first.
func (p Policy) Validate() error {
	for _, r := range p.rules() {
		if r.count < 0 && r.count != All {
			return fmt.Errorf("retention rule %s: negative count %d", r.name, int(r.count))
		}
	}
	if p.Within < 0 {
		return fmt.Errorf("retention rule within: negative duration %s", FormatDuration(p.Within))
	}
	if p.PreRestore < 0 {
		return fmt.Errorf("retention rule pre-restore: negative duration %s", FormatDuration(p.PreRestore))
	}
	if p.IsZero() {
		return ErrKeepsNothing
	}
	return nil
}

// String returns the policy in words: "last 10, daily 7, yearly all, within 2h
// (UTC)". Rules that keep nothing are left out.
func (p Policy) String() string {
	var parts []string
	for _, r := range p.rules() {
		if r.count != 0 {
			parts = append(parts, r.name+" "+r.count.String())
		}
	}
	if p.Within != 0 {
		parts = append(parts, "within "+FormatDuration(p.Within))
	}
	if len(parts) == 0 {
		return "keep nothing"
	}
	return fmt.Sprintf("%s (%s)", strings.Join(parts, ", "), p.location())
}

func (p Policy) location() *time.Location {
	if p.Location == nil {
		return time.UTC
	}
	return p.Location
}

func (p Policy) preRestore() time.Duration {
	if p.PreRestore == 0 {
		return DefaultPreRestore
	}
	return p.PreRestore
}
