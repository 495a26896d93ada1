package snapshot

import (
	"fmt"
	"strings"
	"time"
)

// The ways of looking at a database that are recorded. HowForeignKeys is left out of them where foreign keys were not looked at,
// and HowOwnSQL is added where the environment's own SQL was run, too.
const (
	HowSQLite     = bySQLite + HowForeignKeys     // SQLite's own checks of all pages
	HowPages      = byPages + HowForeignKeys      // firn's check of all pages
	HowDifference = byDifference + HowForeignKeys // firn's check of what differs from a sound snapshot

	HowForeignKeys = ", foreign keys"
	HowOwnSQL      = ", verify SQL"
)

// The beginnings of all ways.
const (
	bySQLite     = "integrity"
	byPages      = "all pages"
	byDifference = "what changed"
)

// Verification is the outcome of checking whether the database in a snapshot is sound.
type Verification struct {
	Time    time.Time `json:"time"` // UTC, in microseconds
	How     string    `json:"how"`  // the checks that were made
	Problem string    `json:"problem,omitempty"`
	// Unchecked names the parts that could not be checked, because that needs the
	// application's own SQLite. The rest is sound, or has the problem.
	Unchecked []string `json:"unchecked,omitempty"`

	// Whole is when all pages were checked on which the outcome rests, if that was before Time. Since is the snapshot of which
	// they were checked, if that was an older one: the differences from it were checked. A copy has no Since.
	Since ID        `json:"since,omitzero"`
	Whole time.Time `json:"whole,omitzero"`
}

// Sound reports whether the snapshot was verified and no problem was found.
func (v *Verification) Sound() bool { return v != nil && v.Problem == "" }

// Proven reports whether the database was found sound, whatever the environment's own SQL has found in it. That SQL is not run
// on a database that is not.
func (v *Verification) Proven() bool {
	return v.Sound() || v != nil && strings.HasSuffix(v.How, HowOwnSQL)
}

// Checked returns when all pages were checked on which the outcome rests.
func (v *Verification) Checked() time.Time {
	if v.Whole.IsZero() {
		return v.Time
	}
	return v.Whole
}

// OfDatabase reports whether the outcome is about the bytes of the database. Others are about a repository that does not give them
// back, or about bytes that are no database.
func (v *Verification) OfDatabase() bool {
	return strings.HasPrefix(v.How, bySQLite) || strings.HasPrefix(v.How, byPages) || strings.HasPrefix(v.How, byDifference)
}

// SetProof sets what the run that took the snapshot has found, which is what is known until a note says otherwise; nil for nothing.
func (s *Snapshot) SetProof(v *Verification) { s.Proof, s.Verified = v, v }

// Noted reports whether the outcome in Verified became known after the snapshot was taken.
func (s *Snapshot) Noted() bool { return s.Verified != nil && s.Verified != s.Proof }

// ByDifference reports whether the snapshot was proven by what differs from an older one.
func (v *Verification) ByDifference() bool {
	return v != nil && strings.HasPrefix(v.How, byDifference)
}

// BySQLite reports whether SQLite itself has checked all pages of the snapshot.
func (v *Verification) BySQLite() bool { return v != nil && strings.HasPrefix(v.How, bySQLite) }

// maxProblem bounds the texts for people in a verification, in bytes: a hostile database can have long names.
const maxProblem = 64 << 10

// normal returns a copy as it is encoded.
func (v *Verification) normal() *Verification {
	n := *v
	n.Problem, n.Unchecked = shortened(v.Problem), shortenedList(v.Unchecked)
	n.Time, n.Whole = stamp(v.Time), stamp(v.Whole)
	return &n
}

func shortened(problem string) string {
	if len(problem) <= maxProblem {
		return problem
	}
	return strings.ToValidUTF8(problem[:maxProblem], "") + " ..."
}

// shortenedList keeps the first texts, of which the last may be shortened. A list without texts is nil.
func shortenedList(texts []string) (kept []string) {
	left := maxProblem
	for _, text := range texts {
		if left <= 0 {
			return append(kept, "...")
		}
		kept = append(kept, shortened(text))
		left -= len(text)
	}
	return kept
}

// times returns the times that are set.
func (v *Verification) times() []*time.Time {
	if v.Whole.IsZero() {
		return []*time.Time{&v.Time}
	}
	return []*time.Time{&v.Time, &v.Whole}
}

// validate accepts a nil verification.
func (v *Verification) validate() error {
	if v == nil {
		return nil
	}
	for _, t := range v.times() {
		if t.IsZero() || !validTime(*t) {
			return fmt.Errorf("%w: a verification without a time, or with one out of range", ErrFormat)
		}
	}
	return nil
}
