//go:build unix

// Package usage tells what a process has used, for benchmarks.
package usage

import (
	"os"
	"runtime"
	"syscall"
)

// PeakRSS is the peak resident size in bytes of the largest process of a tree. It begins
// with that of the process that started it.
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
