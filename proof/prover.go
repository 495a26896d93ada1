package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"firn/repo"
	"firn/snapshot"
)

const (
	// wholeEvery bounds how old the check of all pages may be that a chain of proofs begins with.
	wholeEvery = 7 * 24 * time.Hour
	// foreignKeysBytes is up to which size SQLite looks parents up in checks of all pages here. That takes as long as storing a database
	// for the first time. Keys that refer to a rowid take no look-ups.
	foreignKeysBytes = 64 << 20
)

// Prover proves the images of new snapshots. It may be used by several goroutines at once.
type Prover struct {
	Rules Rules
	Now   func() time.Time
	// Failed is called if an image could not be read for a proof, which does not keep its snapshot from being taken.
	Failed func(error)
	// MayCheckWhole is asked before all pages of an image of so many bytes are checked; nil for always.
	MayCheckWhole func(size int64) bool
}

// Prove looks at the image of a new snapshot, as a [repo.ProveFunc] does: at what differs from its parent if that is sound, and
// was proven by way of a check of all pages that is not too old; else at all pages. Foreign keys are a part of a chain of proofs if
// they were of the check that it begins with: in a large database, that has to be one by a verification.
//
// A snapshot never fails for its proof: an internal error of a check is reported like an image that cannot be read.
func (p *Prover) Prove(ctx context.Context, c *repo.Change) (v *snapshot.Verification) {
	defer func() {
		if cause := recover(); cause != nil {
			p.report(ctx, fmt.Errorf("internal error: %v", cause))
			v = nil
		}
	}()
	return p.prove(ctx, c)
}

func (p *Prover) prove(ctx context.Context, c *repo.Change) *snapshot.Verification {
	if c.Same {
		if v := c.Parent.Verified; v != nil && !v.Sound() && p.Rules.NoForeignKeys && !rulesOf(v).NoForeignKeys {
			return nil // what was wrong may be no fault any more
		}
		return p.since(c.Parent, &Result{Problems: messages(c.Parent.Verified)})
	}
	found, err := p.byDifference(ctx, c)
	if found != nil || err != nil {
		p.report(ctx, err)
		return found
	}
	if c.Dear || p.MayCheckWhole != nil && !p.MayCheckWhole(c.Size) {
		return nil
	}
	result, rules, err := p.Rules.whole(ctx, Image{Reader: c.Image, Size: c.Size}, c.Size <= foreignKeysBytes)
	if err != nil {
		p.report(ctx, err)
		return nil
	}
	return &snapshot.Verification{Time: p.Now(), How: rules.How(snapshot.HowPages), Problem: summary(result.Problems), Unchecked: result.Unchecked}
}

func (p *Prover) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && p.Failed != nil {
		p.Failed(err)
	}
}

// byDifference returns nothing where a difference proves nothing, or the older image cannot be read: that is a fault of the
// repository, which does not touch the new snapshot.
func (p *Prover) byDifference(ctx context.Context, c *repo.Change) (*snapshot.Verification, error) {
	if c.Older == nil || !p.leads(c.Parent) {
		return nil, nil
	}
	older := &keeper{from: c.Older}
	rules := p.Rules.within(rulesOf(c.Parent.Verified))
	result, err := rules.Difference(ctx, Image{Reader: older, Size: c.OlderSize}, Image{Reader: c.Image, Size: c.Size}, c.Differing)
	if older.failed.Load() && ctx.Err() == nil {
		return nil, nil
	}
	if err != nil || result.Undecided != "" {
		return nil, err
	}
	return p.since(c.Parent, result), nil
}

// keeper remembers that an image could not be read.
type keeper struct {
	from   io.ReaderAt
	failed atomic.Bool
}

// ReadAt reads the image.
func (k *keeper) ReadAt(p []byte, offset int64) (int, error) {
	n, err := k.from.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		k.failed.Store(true)
	}
	return n, err
}

// leads reports whether a chain of proofs may go on from a snapshot.
func (p *Prover) leads(s *snapshot.Snapshot) bool {
	if !s.Verified.Proven() || !s.Verified.OfDatabase() {
		return false
	}
	age := p.Now().Sub(s.Verified.Checked())
	return age >= -snapshot.ClockTolerance && age < wholeEvery
}

// since returns the outcome of a look at what differs from a snapshot. What could not be checked there could not be checked here.
func (p *Prover) since(s *snapshot.Snapshot, found *Result) *snapshot.Verification {
	before := s.Verified
	if before == nil || !before.OfDatabase() {
		return nil
	}
	v := &snapshot.Verification{Time: p.Now(), How: p.Rules.within(rulesOf(before)).How(snapshot.HowDifference), Problem: summary(found.Problems), Since: before.Since, Whole: before.Checked()}
	if !before.ByDifference() { // all pages of s were checked, then or before
		v.Since = s.ID
	}
	v.Unchecked = slices.Clone(before.Unchecked)
	for _, u := range found.Unchecked {
		if !slices.Contains(v.Unchecked, u) {
			v.Unchecked = append(v.Unchecked, u)
		}
	}
	return v
}

// messages returns the problem that was found in a database before, as a list. What the environment's own SQL finds is no damage.
func messages(v *snapshot.Verification) []string {
	if v == nil || v.Proven() {
		return nil
	}
	return []string{v.Problem}
}

// maxNamed is how many problems a record names.
const maxNamed = 10

// summary returns the first problems for people.
func summary(problems []string) string {
	if n := len(problems) - maxNamed; n > 0 {
		problems = append(slices.Clone(problems[:maxNamed]), fmt.Sprintf("and %d more", n))
	}
	return strings.Join(problems, "; ")
}
