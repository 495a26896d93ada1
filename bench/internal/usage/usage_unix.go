//go:build unix

// Package usage returns the resources that a process has used, for benchmarks.
package usage

import (
	"os"
	"runtime"
	"syscall"
)

// PeakRSS returns the peak resident size in bytes of the largest process of a tree. The
// figure of a process begins with the size of its parent.
func PeakRSS(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10 // KiB elsewhere
}
