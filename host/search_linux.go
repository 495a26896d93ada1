package host

import "golang.org/x/sys/unix"

// openToSearch opens a folder that may be searched, whether or not it may be read.
const openToSearch = unix.O_PATH

// hasACL reports whether a file has an access control list beyond its mode.
func hasACL(path string) bool {
	n, err := unix.Lgetxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}
