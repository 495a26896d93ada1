//go:build !linux

package cmd

// memoryLimit returns 0: firn cannot read limits on these systems.
func memoryLimit() int64 { return 0 }
