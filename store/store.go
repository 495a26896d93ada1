// Package store defines what firn needs of a store for its objects: four operations on
// named, write-once objects. The packages below it implement the interface.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"
)

// MaxObject is the default limit, in bytes, of an object that a store returns: more
// than firn writes in one object. The limit exists because other programs may write to
// the same store, and firn must not read an object of unknown size into memory.
const MaxObject = 64 << 20

// ErrTooLarge is returned for an object that has more bytes than its reader accepts.
var ErrTooLarge = errors.New("the object is larger than any that firn writes")

// AtMost returns the length to give to [Store.Get] for all bytes up to the object's
// end, at most n of them. n must be more than 1.
func AtMost(n int64) (length int64) { return -n }

// Object is one stored object as a listing describes it.
type Object struct {
	Name string
	Size int64     // bytes
	Time time.Time // the time of writing, by the store's clock
}

// ErrNoSpace is matched by the error of a Put that found no room: the disk is full,
// has no inodes left, or a quota is reached.
var ErrNoSpace = errors.New("there is no room in the store")

// Store keeps objects by name. An object is written once, whole, and never
// changed; no object's name is a folder of another's ("a" and "a/b").
//
// All methods may be called by many goroutines and processes at once, and from within
// a listing's loop. Once a call has returned, every later call sees its effect, in
// every process. Each method returns an error for a name that [CheckName] refuses, and
// then does nothing. The same holds for a context that was cancelled before the call.
// A context that is cancelled during the call may or may not stop it.
//
// Errors match fs.ErrNotExist and fs.ErrExist only where the methods say so: the error
// of an unreachable store never looks like that of a missing object.
type Store interface {
	// Put creates the object name with a copy of data. When it returns nil the object
	// will survive a power cut. If name exists, it stays as it is and the error
	// matches fs.ErrExist; if several writers put one name, Put returns nil to at most
	// one of them.
	//
	// After any other error the object may or may not exist, but if it exists it is
	// whole. The caller may then safely put the same object again. An fs.ErrExist from
	// the second attempt may be due to the first one.
	Put(ctx context.Context, name string, data []byte) error

	// Get returns length bytes of the object from offset off. A negative length means
	// all bytes up to the end, at most -length of them; -1 stands for [MaxObject]
	// bytes, see [AtMost]. A negative off means the last -off bytes, or the whole
	// object if it is shorter; length is then ignored.
	//
	// The error matches fs.ErrNotExist if the object is missing, io.ErrUnexpectedEOF
	// if it has fewer bytes than asked for, and [ErrTooLarge] if its end is farther
	// away than a negative length allows. Together with an error Get returns no bytes.
	// Get never uses more memory for the bytes than the caller asked for. The caller
	// owns the slice.
	Get(ctx context.Context, name string, off, length int64) ([]byte, error)

	// List yields every object whose name starts with prefix, sorted by name as bytes.
	// The prefix need not end at a slash. Each range over the result is a new listing.
	// It shows every put and delete that ended before the listing began, and may or
	// may not show a later one. If it shows an object, it also shows those below a smaller
	// name in the same folder that were put before that one, unless they are being deleted.
	// If no object matches, the listing is empty. A missing
	// store is an error.
	//
	// An error ends the listing: List yields it last, with the zero Object. The
	// objects yielded before it are then not the whole listing.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Delete removes the named objects, durably, in as few requests as the
	// store allows. A missing object is not an error. After an error any
	// subset may be gone; deleting the same again is safe.
	Delete(ctx context.Context, names ...string) error
}

// Cleaner is implemented by stores in which a writer that dies can leave temporary
// files behind. Such files are not objects: no method of [Store] shows them.
type Cleaner interface {
	// Clean removes temporary files last written before olderThan, by the store's
	// clock, and returns their number. It is safe at any time: a live writer that
	// loses its file fails with an error.
	Clean(ctx context.Context, olderThan time.Time) (int, error)
}

// Locker is implemented by stores that can prevent the deletion of objects, by any
// user, for some time after the objects were written.
type Locker interface {
	// LockDuration returns how long objects stay locked. Zero means that the store
	// locks none.
	LockDuration() time.Duration

	// Lock renews the locks of the objects: each lasts LockDuration from now on. A
	// missing object is not an error. After an error any subset may be renewed.
	Lock(ctx context.Context, names ...string) error
}

// CheckName returns an error unless name can be an object's name: parts of
// lower-case letters, digits and '-', joined by single slashes. So a name is
// the same on every store, and never leads out of one.
func CheckName(name string) error {
	if strings.HasSuffix(name, "/") || name == "" {
		return fmt.Errorf("object name %q: empty part", name)
	}
	return checkParts(name)
}

// CheckPrefix returns an error unless some object's name can start with prefix.
func CheckPrefix(prefix string) error {
	return checkParts(prefix)
}

// checkParts accepts the prefixes of names.
func checkParts(s string) error {
	last := '/' // as if a slash preceded the name, so that the name cannot start with one
	for _, r := range s {
		switch {
		case r == '/' && last == '/':
			return fmt.Errorf("object name %q: empty part", s)
		case r == '/', r == '-', '0' <= r && r <= '9', 'a' <= r && r <= 'z':
		default:
			return fmt.Errorf("object name %q: letter %q not allowed", s, r)
		}
		last = r
	}
	return nil
}

// Range returns the part of an object of size bytes that off and length select in a
// [Store.Get]. The error is io.ErrUnexpectedEOF if the object is too short for that
// part, and [ErrTooLarge] if it is too long.
func Range(size, off, length int64) (from, to int64, err error) {
	switch {
	case off < 0:
		return max(0, size+off), size, nil
	case off > size, length > size-off:
		return 0, 0, io.ErrUnexpectedEOF
	case length < 0 && size-off > Bound(length):
		return 0, 0, ErrTooLarge
	case length < 0:
		return off, size, nil
	}
	return off, off + length, nil
}

// Bound returns how many bytes the negative length of a [Store.Get] allows.
func Bound(length int64) int64 {
	if length == -1 {
		return MaxObject
	}
	return -max(length, -math.MaxInt64)
}
