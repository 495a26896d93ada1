package repo

import (
	"fmt"

	"firn/snapshot"
)

// judge says in the record what is suspect about the image.
func (b *backup) judge() {
	if b.opts.Guard == nil {
		return
	}
	if b.previous == nil {
		b.judgeFirst()
		return
	}
	if b.result.Good = b.lastGood(); b.result.Good != nil {
		b.record.Suspect = b.opts.Guard.Compare(b.result.Good.Image(), b.record.Image())
		b.result.Uncompared = b.opts.Guard.Uncompared(b.record.Image())
	}
}

// judgeFirst judges the first of its series: what is no database, in an environment that holds databases, is more
// likely what a program has printed instead of one.
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

// lastGood returns the snapshot that shows what the database should be like: what was
// restored over it, or the newest that is not suspect itself. Each suspect one is
// compared with the same, so that none passes for good because the one before it was
// as bad. There is none after a clone, which may have been scrubbed.
func (b *backup) lastGood() *snapshot.Snapshot {
	if b.parent != b.previous && b.parent.Environment != b.opts.Environment {
		return nil
	}
	if b.parent != b.previous && len(b.parent.Suspect) == 0 {
		return b.parent
	}
	for _, s := range b.before() {
		if s.Series() == b.series() && len(s.Suspect) == 0 && !s.Tags.Has(PreRestoreTag) {
			return s
		}
	}
	return nil
}
