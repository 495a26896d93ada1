package host

import (
	"errors"
	"fmt"
	"io/fs"
)

// Rights are the rights to files that a process of one user has: Linux keeps them for each thread.
type Rights struct {
	UID, GID int   // of files that are made
	Groups   []int // all that the user is a member of
}

// nobody is the number of the user that owns no files, and of the group without members. Linux shows it for identities
// that it has no number for.
const nobody = 65534

// RightsError is a lack of permission that has to do with whose rights were used. It wraps an error that matches
// fs.ErrPermission.
type RightsError struct {
	UID int
	Err error
}

// Error says whose rights were not enough.
func (e *RightsError) Error() string {
	return fmt.Sprintf("%v, with the rights of %s", e.Err, userName(e.UID))
}

// Unwrap returns the error.
func (e *RightsError) Unwrap() error { return e.Err }

// explain adds whose rights were not enough to an error that says so.
func (r *Rights) explain(err error) error {
	if r == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if _, known := errors.AsType[*RightsError](err); known {
		return err
	}
	return &RightsError{r.UID, err}
}
