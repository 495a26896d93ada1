//go:build linux && (386 || arm)

package host

import "syscall"

// The numbers of the calls that take identities of 32 bits. The calls without a number in their names take 16 bits.
const (
	sysSetgroups = syscall.SYS_SETGROUPS32
	sysSetfsuid  = syscall.SYS_SETFSUID32
	sysSetfsgid  = syscall.SYS_SETFSGID32
)
