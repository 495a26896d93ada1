package site

import (
	"os"
)

// aheadBytes is how much is written before the disk is asked to begin with it: some
// milliseconds' work for a disk, and too much to be asked for often.
const aheadBytes = 8 << 20

// WriteBehindFile is a file that is written in order and has to be on disk in the end: the
// disk begins with it meanwhile, so that there is little left for Sync. It promises
// nothing: Sync is needed all the same.
type WriteBehindFile struct {
	*os.File
	written, begun int64
}

// Write writes at the end.
func (a *WriteBehindFile) Write(p []byte) (int, error) {
	n, err := a.File.Write(p)
	a.written += int64(n)
	if a.written-a.begun >= aheadBytes {
		beginWriting(a.File, a.begun, a.written-a.begun)
		a.begun = a.written
	}
	return n, err
}
