package repo

import "firn/snapshot"

// judge says in the record what is suspect about the image.
func (b *backup) judge() {
	if b.opts.Guard == nil || b.previous == nil {
		return
	}
	if b.result.Good = b.lastGood(); b.result.Good != nil {
		b.record.Suspect = b.opts.Guard.Compare(b.result.Good.Image(), b.record.Image())
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
