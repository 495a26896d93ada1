// Package spool moves data from memory to a disk for a while, and never stores it there in the
// clear: data that was read from a database and cannot be stored in the repository yet. A [File] is
// sealed under a key that is stored nowhere. It has no name where the system allows that, and
// leaves room on its disk for other programs.
package spool

import (
	"errors"
	"fmt"

	"firn/crypt"
	"firn/scratch"
)

// ErrFull is returned when the disk has no more room that the file may use.
var ErrFull = errors.New("no room in the folder for temporary files")

// reserve is the divisor for the part of the free space that a file leaves to other programs: one
// tenth. The application may write to the same disk.
const reserve = 10

// File is a private temporary file of sealed blocks. It is for one goroutine.
type File struct {
	file   *scratch.File
	dir    string
	key    *crypt.Ephemeral
	end    Place
	least  int64  // bytes of free space that are left to other programs
	sealed []byte // buffer
	free   func(dir string) (int64, bool)
}

// Place is the position of a block in the file.
type Place int64

// New makes a file in a folder.
func New(dir string) (*File, error) { return newFile(dir, FreeSpace) }

func newFile(dir string, free func(string) (int64, bool)) (*File, error) {
	file, err := scratch.OpenFile(dir)
	if err != nil {
		return nil, err
	}
	f := &File{file: file, dir: dir, key: crypt.NewEphemeral(), free: free}
	room, _ := free(dir)
	f.least = room / reserve
	return f, nil
}

// Put appends a block and returns its place. The error is [ErrFull] or one of the disk. After an
// error the earlier blocks are intact, and Put may be called again.
func (f *File) Put(block []byte) (Place, error) {
	f.sealed = f.key.Seal(f.sealed[:0], uint64(f.end), block)
	if room, ok := f.free(f.dir); ok && room-int64(len(f.sealed)) < f.least {
		return 0, fmt.Errorf("%w: %s has %d bytes free", ErrFull, f.dir, room)
	}
	if _, err := f.file.WriteAt(f.sealed, int64(f.end)); err != nil {
		return 0, err
	}
	place := f.end
	f.end += Place(len(f.sealed))
	return place, nil
}

// Get appends the block of n bytes at a place to dst. The error is [crypt.ErrAuth] if it is not the
// block that Put wrote at this place.
func (f *File) Get(dst []byte, place Place, n int) ([]byte, error) {
	if size := n + crypt.Overhead; cap(f.sealed) < size {
		f.sealed = make([]byte, size)
	}
	sealed := f.sealed[:n+crypt.Overhead]
	if _, err := f.file.ReadAt(sealed, int64(place)); err != nil {
		return nil, err
	}
	return f.key.Open(dst, uint64(place), sealed)
}

// Close removes the file.
func (f *File) Close() error { return f.file.Close() }
