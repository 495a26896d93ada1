//go:build !unix

package cmd

import "syscall"

// releaseSignal is one that the system does not have.
const releaseSignal = syscall.Signal(0x3f)
