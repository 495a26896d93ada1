package site

import (
	"os"
)

// writeBehindBytes is the number of bytes after which a [WriteBehindFile] asks the disk to begin. A disk needs some
// milliseconds for so many bytes, so the system is not asked often.
const writeBehindBytes = 8 << 20

// WriteBehindFile is a file that is written from its beginning to its end and must be on the disk when that is done. The
// disk begins to write during the writing, so Sync has little left to do. The data is safe only after Sync.
type WriteBehindFile struct {
	*os.File
	written, begun int64
}

// Write appends to the file.
func (f *WriteBehindFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.written += int64(n)
	if f.written-f.begun >= writeBehindBytes {
		beginWriting(f.File, f.begun, f.written-f.begun)
		f.begun = f.written
	}
	return n, err
}
