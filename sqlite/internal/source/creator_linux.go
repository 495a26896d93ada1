package source

import "golang.org/x/sys/unix"

// creator returns the owner and group of the files that the calling thread makes.
func creator() (uid, gid int) {
	// A call with an identity that does not exist changes nothing and returns the present one.
	uid, _ = unix.SetfsuidRetUid(-1)
	gid, _ = unix.SetfsgidRetGid(-1)
	return uid, gid
}

// mayGiveAway reports whether the superuser has kept the right to change owners. A container may lack it, and SQLite
// says nothing then.
func mayGiveAway() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_CHOWN) != 0
}
