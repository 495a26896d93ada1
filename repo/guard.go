package repo

import (
	"fmt"

	"firn/snapshot"
)

// judge notes in the record why the image is suspect, if it is.
func (b *backup) judge() {
	if b.opts.copied != nil || b.opts.Accept {
		return
	}
	if b.opts.Guard != nil {
		b.guard()
	}
	b.record.Suspect = append(b.record.Suspect, append(b.standing(), b.unwritten...)...)
}

// standing returns the reasons for suspicion of the snapshot before that stand: a change that the database's engine has not written
// stays in the database, also on pages that the engine writes later, until a user accepts it or restores another state.
func (b *backup) standing() []string {
	before := b.parent
	if b.previous != nil && b.sameRoot() { // nothing was restored
		before = b.previous
	}
	if before == nil || before.Series() != b.series() {
		return nil
	}
	return snapshot.UnwrittenChanges(before.Suspect)
}

// guard compares the image with the last good snapshot.
func (b *backup) guard() {
	var good *snapshot.Snapshot
	if b.previous != nil {
		good = b.lastGood()
	}
	if good == nil { // all before are suspect, too, so that no more is known than of a first one
		b.judgeFirst()
		return
	}
	reasons := b.suspicions(good)
	if before := b.goodBefore(); len(reasons) > 0 && b.parent != b.previous && before != nil &&
		len(b.suspicions(before))+len(b.suspicions(b.previous)) == 0 {
		good, reasons = before, nil // the restore was killed before it replaced anything
	}
	b.result.Good, b.record.Suspect = good, reasons
	if good != nil {
		b.result.Uncompared = b.opts.Guard.Uncompared(b.record.Image())
	}
}

// suspicions compares the image with a snapshot's; nil has nothing to compare with.
func (b *backup) suspicions(good *snapshot.Snapshot) []string {
	if good == nil {
		return nil
	}
	return b.opts.Guard.Compare(good.Image(), b.record.Image())
}

// judgeFirst judges the first of its series. In an environment that holds databases, an image that is none is
// most likely the message of a program that failed.
func (b *backup) judgeFirst() {
	if b.record.Image().Export != snapshot.ExportStream {
		return
	}
	for _, s := range b.before() {
		if s.Environment == b.opts.Environment && s.Image().Export != snapshot.ExportStream && len(s.Suspect) == 0 && !s.Tags.Has(PreRestoreTag) {
			b.result.Good = s
			b.record.Suspect = []string{fmt.Sprintf("it is no database, and the environment holds the database %q", s.Database)}
			return
		}
	}
}

// lastGood returns the snapshot that the image should be like: the one that was restored over
// the database, or the newest that is not suspect itself. So all suspect snapshots are compared
// with the same one, and none passes for good because the one before was as bad. After a clone,
// which may have been scrubbed, it returns nil.
func (b *backup) lastGood() *snapshot.Snapshot {
	restored := b.parent != b.previous && b.record.Image().Root != b.previous.Image().Root
	if restored && b.parent.Environment != b.opts.Environment {
		return nil
	}
	if restored && len(b.parent.Suspect) == 0 {
		return b.parent
	}
	return b.goodBefore()
}

// goodBefore returns the newest snapshot that is not suspect, and that no restore took. An image of a given time is an old
// state that is taken over: the later states, which usually have more rows, are not what it should be like.
func (b *backup) goodBefore() *snapshot.Snapshot {
	for _, s := range b.before() {
		later := !b.opts.Time.IsZero() && s.Time.After(b.record.Time)
		if s.Series() == b.series() && len(s.Suspect) == 0 && !s.Tags.Has(PreRestoreTag) && !later {
			return s
		}
	}
	return nil
}
