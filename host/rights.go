package host

import (
	"errors"
	"fmt"
	"io/fs"
)

// Rights are the rights to files that a process of one user has. Linux keeps them for each thread.
type Rights struct {
	UID, GID int   // of files that the user makes
	Groups   []int // all groups of the user
}

// unmapped is the number of a user that owns no files, and of a group without members. Linux shows it for identities
// without a number of their own.
const unmapped = 65534

// RightsError is a lack of permission that has to do with the rights of another user. It wraps an error that matches
// fs.ErrPermission.
type RightsError struct {
	UID int
	Err error
}

// Error names the user of the rights that were not enough.
func (e *RightsError) Error() string {
	return fmt.Sprintf("%v, with the rights of %s", e.Err, userName(e.UID))
}

// Unwrap returns the error.
func (e *RightsError) Unwrap() error { return e.Err }

// explain adds the user of the rights to an error about permissions.
func (r *Rights) explain(err error) error {
	if r == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if _, known := errors.AsType[*RightsError](err); known {
		return err
	}
	return &RightsError{r.UID, err}
}
