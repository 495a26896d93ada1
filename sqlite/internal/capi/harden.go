package capi

import (
	"errors"

	"modernc.org/sqlite"
)

// Harden makes SQLite safer in the whole process: the locks on database files survive that another part of the process
// opens and closes the same file, and only regular files are opened under the name of a database, a journal or a WAL.
// Call it before anything else uses SQLite. Where the platform has no such means it does nothing.
func Harden() error {
	_, err := sqlite.OFDLocking(true)
	if errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		err = nil
	}
	return errors.Join(err, refuseSpecialFiles())
}
