package repo

import (
	"errors"
	"fmt"
	"time"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
)

// These errors can be returned when a repository is made, opened or changed.
var (
	// ErrNotRepository is returned when there is no repository in the store.
	ErrNotRepository = errors.New("there is no firn repository")

	// ErrExists is returned by [Init] when the store holds a repository already.
	ErrExists = errors.New("a firn repository exists already")

	// ErrVersion is returned for a repository that a later version of firn made.
	ErrVersion = errors.New("the repository needs a later version of firn")

	// ErrTooMany is returned for a store that lists more objects, or more key slots, than
	// a repository has: others must have put them there, or the store goes on for ever.
	ErrTooMany = errors.New("the store shows more objects than a repository has")

	// ErrLastKey is returned when the only key slot is to be removed.
	ErrLastKey = errors.New("it is the last key")

	// ErrUnproven is returned when the only key slot that is known to open the repository is to be removed.
	ErrUnproven = errors.New("it is the only key that is known to open the repository")

	// ErrUnsettled is returned by [Repo.Backup] when other hosts collected garbage
	// so often that the snapshot could never be confirmed. Nothing is lost: run it again.
	ErrUnsettled = errors.New("the snapshot could not be confirmed against concurrent prunes")

	// ErrSameRepository is returned for a copy of a repository's snapshots into itself.
	ErrSameRepository = errors.New("it is the same repository")

	// ErrUnreadable is returned by [Copier.Copy], with the damage, when the snapshot
	// cannot be read where it is. Others may be readable.
	ErrUnreadable = errors.New("the snapshot cannot be read where it is")

	// ErrMayNotDelete is returned when the store refuses to delete, as it does to
	// credentials that may only append.
	ErrMayNotDelete = errors.New("the credentials may not delete")
)

// OtherError is returned by [Open] for another repository than the one that this host knows
// at the place: another disk is mounted, a new repository was made there, or the store passes
// one off as the other.
type OtherError struct {
	Known, Found crypt.RepositoryID
}

// Error names both.
func (e *OtherError) Error() string {
	return fmt.Sprintf("it is another repository than the one that was there: %s, not %s", e.Found, e.Known)
}

// UnreadError is why the record of a snapshot cannot be read. Only the facts in its name are
// known: not even its environment.
type UnreadError struct {
	Name string // of the object
	Err  error
}

// Error returns the text of Err.
func (e *UnreadError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnreadError) Unwrap() error { return e.Err }

// Time returns when the snapshot was taken, as far as the name tells; zero if it does not.
func (e *UnreadError) Time() time.Time {
	if id, ok := pack.ParseName(e.Name); ok { // of a round
		return id.Time()
	}
	t, _ := snapshot.TimeInName(e.Name)
	return t
}

// Unread returns each [UnreadError] in an error of [Repo.Snapshots].
func Unread(err error) []*UnreadError {
	if u, ok := err.(*UnreadError); ok {
		return []*UnreadError{u}
	}
	var all []*UnreadError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, Unread(e)...)
		}
	}
	return all
}

// CorruptError tells of an object or blob that is missing or has other bytes than firn
// wrote. None of them was used.
type CorruptError struct {
	Kind string // config, key, plan, record, note, pack, round, tombstone, sign of life or blob
	Name string // of the object in the store, or the ID of the blob
	Err  error
}

// Error names the damaged object, and the damage.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("damaged %s %s: %v", e.Kind, e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }
