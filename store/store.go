// Package store says what firn asks of a place that keeps its objects, and
// nothing more: four operations on named, write-once objects. The packages
// below it are such places.
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

// MaxObject is how many bytes a store gives out to the caller that sets no other
// bound: more than firn writes in one object. A store holds what somebody else has put
// there, so that nothing of unknown size may be read into memory.
const MaxObject = 64 << 20

// ErrTooLarge is returned for an object that has more bytes than its reader accepts.
var ErrTooLarge = errors.New("the object is larger than any that firn writes")

// AtMost returns the length for a [Store.Get] of all bytes to the object's end, of
// which there may be n, which is more than 1.
func AtMost(n int64) (length int64) { return -n }

// Object is what a listing tells of one stored object.
type Object struct {
	Name string
	Size int64     // bytes
	Time time.Time // when it was written, by the store's clock
}

// ErrNoSpace is matched by the error of a Put for which there is no room: the disk is
// full, or has no inodes left, or a quota is reached.
var ErrNoSpace = errors.New("there is no room in the store")

// Store keeps objects by name. An object is written once, whole, and never
// changed; no object's name is a folder of another's ("a" and "a/b").
//
// All methods may be called by many goroutines and processes at once, and from
// within a listing's loop. What one call did is seen by every call that starts
// after it returned, whoever makes it. A name that [CheckName] refuses is an
// error of every method, and then nothing was done. So it is with a context
// that was cancelled before the call; one that is cancelled later may or may
// not stop the call.
//
// Errors match fs.ErrNotExist and fs.ErrExist as the methods say: a store that
// cannot be reached never looks like a missing object.
type Store interface {
	// Put creates the object name with a copy of data. When it returns nil the
	// object will survive a power cut. If name exists, it stays as it is and
	// the error matches fs.ErrExist; of several writers of one name at most
	// one is told nil.
	//
	// After another error the object may or may not exist, but it is whole if
	// it does. Putting the same again is then safe; an fs.ErrExist it meets
	// may stem from the first attempt.
	Put(ctx context.Context, name string, data []byte) error

	// Get returns length bytes of the object from offset off. A negative
	// length means to the end, which is at most -length bytes away; -1 stands
	// for [MaxObject] bytes, see [AtMost]. A negative off means the last -off
	// bytes, or the whole object if it is shorter; length is then ignored.
	//
	// The error matches fs.ErrNotExist if the object is missing,
	// io.ErrUnexpectedEOF if it has fewer bytes than asked for, and
	// [ErrTooLarge] if its end is farther away. With an error there are no
	// bytes, and no more memory was used for them than was asked for. The
	// caller owns the slice.
	Get(ctx context.Context, name string, off, length int64) ([]byte, error)

	// List yields every object whose name starts with prefix, sorted by name
	// as bytes. The prefix need not end at a slash. Each range over the result
	// is a new listing; what was put or deleted before it began is seen so,
	// what happens during it may be seen either way. Nothing found is an empty
	// listing; but a store that is not there is an error.
	//
	// An error ends the listing: it is the last thing yielded, with the zero
	// Object, and the objects before it are not all there are.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Delete removes the named objects, durably, in as few requests as the
	// store allows. A missing object is not an error. After an error any
	// subset may be gone; deleting the same again is safe.
	Delete(ctx context.Context, names ...string) error
}

// Cleaner is implemented by stores in which a writer that died can leave
// temporary files behind. They are no objects: no method of [Store] shows them.
type Cleaner interface {
	// Clean removes temporary files last written before olderThan, by the
	// store's clock, and returns how many. It is safe at any time: a writer
	// that is still alive and loses its file fails with an error.
	Clean(ctx context.Context, olderThan time.Time) (int, error)
}

// Locker is implemented by stores that can keep objects from being deleted for
// some time after they were written, by anybody.
type Locker interface {
	// LockDuration returns for how long objects are locked; zero for not at all.
	LockDuration() time.Duration

	// Lock renews the locks of the objects: it lasts LockDuration from now on. A
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
	last := '/' // what stands before the name, so that it cannot start with a slash
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

// Range returns the part of an object of size bytes that a [Store.Get] of off
// and length means, io.ErrUnexpectedEOF if the object is too short for it, and
// [ErrTooLarge] if it is too long.
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
