//go:build !linux

package host

import (
	"errors"
	"os"
)

// newThread cannot give a thread other rights than the process has: only Linux keeps them for each thread.
func newThread(*Rights, *os.File) (*Thread, error) {
	return nil, errors.Join(ErrNoIdentity, errors.New("only Linux lets one thread have other rights than the process"))
}

// folderHasACL reports true: access control lists are not looked up on this system.
func folderHasACL(*os.Root) bool { return true }
