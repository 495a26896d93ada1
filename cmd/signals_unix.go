//go:build unix

package cmd

import "syscall"

// releaseSignal makes a watch let go of its connections for a minute.
const releaseSignal = syscall.SIGUSR1
