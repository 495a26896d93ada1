//go:build linux && !386 && !arm

package host

import "syscall"

// The numbers of the calls that take identities of 32 bits.
const (
	sysSetgroups = syscall.SYS_SETGROUPS
	sysSetfsuid  = syscall.SYS_SETFSUID
	sysSetfsgid  = syscall.SYS_SETFSGID
)
