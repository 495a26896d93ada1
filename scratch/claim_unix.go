//go:build unix

package scratch

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Take claims a file, which may be missing, with the rights of the calling thread. It returns
// [ErrClaimed] if another process has done so. The claim is nil where there are no locks, and where
// a folder of that name belongs to another user: in a folder that all users can write, that user
// must not keep others from their files.
func Take(file string) (*Claim, error) {
	path := claimPath(file)
	for {
		// All users that may write beside the file may see the lock.
		if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		c, err := lockClaim(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		} // otherwise it was released between the two calls
	}
}

// lockClaim locks the folder of a claim. The error matches fs.ErrNotExist if the folder is gone.
func lockClaim(path string) (*Claim, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, fs.ErrPermission) {
		return nil, nil // the folder is another user's
	}
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err != nil || !own(opened) {
		return nil, errors.Join(err, f.Close())
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(ErrClaimed, f.Close())
		}
		return nil, f.Close() // no locks here
	}
	now, err := os.Lstat(path)
	if err == nil && !os.SameFile(opened, now) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Claim{path, f}, nil
}
