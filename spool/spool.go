// Package spool puts bytes aside that must leave memory for a while and must lie on no disk in the clear: what was read
// of a database, and cannot be stored yet. A [File] is sealed under a key that is stored nowhere, has no name where the
// system allows that, and leaves room on its disk for others.
package spool

import (
	"errors"
	"fmt"

	"firn/crypt"
	"firn/scratch"
)

// ErrFull is returned when the disk has no more room that the file may take.
var ErrFull = errors.New("no room in the folder for temporary files")

// sparing is the part of the free space that a file leaves to others, one in so many. The application may write to the
// same disk.
const sparing = 10

// File is a private temporary file of sealed blocks. It is for one goroutine.
type File struct {
	file   *scratch.File
	dir    string
	key    *crypt.Ephemeral
	end    Place
	least  int64  // bytes of free space that are left to others
	sealed []byte // buffer
	free   func(dir string) (int64, bool)
}

// Place is where a block begins.
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
	f.least = room / sparing
	return f, nil
}

// Put appends a block and returns its place. After an error, [ErrFull] or the disk's, the blocks before are there, and
// Put may be called again.
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

// Get appends the block of n bytes at a place to dst. A block that is not what was put there is [crypt.ErrAuth].
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
