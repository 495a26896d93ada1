// Package files has what stores that keep objects as files have in common: the entries of a folder, in the order of a listing.
package files

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"firn/store"
)

// ErrNeither is returned for an entry that has an object's name and cannot be one.
var ErrNeither = errors.New("neither a file nor a folder")

// Entry is a file or folder whose name can be an object's. Name is its whole path in the store.
type Entry struct {
	store.Object
	Folder, Regular bool
}

// NewEntry returns the entry with a name.
func NewEntry(name string, info fs.FileInfo) Entry {
	return Entry{
		Object:  store.Object{Name: name, Size: info.Size(), Time: info.ModTime()},
		Folder:  info.IsDir(),
		Regular: info.Mode().IsRegular(),
	}
}

// Sort sorts the entries of a folder so that a walk in this order yields whole names in order. A folder stands where the names
// in it stand, all of which continue with a slash: "a-b" comes before "a/b", though "a" comes before "a-b".
func Sort(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.sortKey(), b.sortKey()) })
}

func (e Entry) sortKey() string {
	if e.Folder {
		return e.Name + "/"
	}
	return e.Name
}

// mostReadings is how often the names of a folder are read until two readings agree.
const mostReadings = 100

// ErrUnsettled ends a listing of a folder in which names come and go all the time.
var ErrUnsettled = errors.New("the folder changes all the time")

// Settled reads a folder until two readings in a row show the same names, and returns what was read in the order of the names. A
// system reads a large folder piece by piece, in an order of its own. So one reading can show a name that was removed before
// another name that it shows came. Names that two readings show were all there between the two.
func Settled[T any](read func() ([]T, error), name func(T) string) ([]T, error) {
	compare := func(a, b T) int { return strings.Compare(name(a), name(b)) }
	var before []T
	for n := range mostReadings {
		list, err := read()
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, compare)
		if n > 0 && slices.EqualFunc(list, before, func(a, b T) bool { return compare(a, b) == 0 }) {
			return list, nil
		}
		before = list
	}
	return nil, ErrUnsettled
}
