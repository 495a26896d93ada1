package cmd

import (
	"os"
	"runtime"
	"runtime/debug"

	"firn/report"
)

const (
	// ampleMemory is several times the most memory that firn uses. A limit of so much does not matter.
	ampleMemory = 512 << 20
	// scarceMemory has room only for the buffers of one processor.
	scarceMemory = 160 << 20
	// leastMemory is the memory of a run that holds two packs of 16 MiB, the encoder of one chunk, and garbage that the
	// collector has not freed yet. With 64 MiB, one in ten runs over 100 MB was killed.
	leastMemory = 96 << 20
	// unseenMemory is memory that the collector does not count: the program itself, SQLite's pages, stacks of threads.
	unseenMemory = 24 << 20
)

// limitMemory limits garbage, and keeps the process within a limit of memory, 0 for no limit. The kernel kills a process
// that exceeds the limit of its control group, and the collector does not know that limit by itself. If GOGC or GOMEMLIMIT
// is set, the user decides. The caller keeps the memory that limitMemory returns until the end of the run.
//
// Garbage may be a quarter of the memory in use; Go's default is as much again. Collections are cheap, since most of the
// memory are buffers without pointers. But with little memory in use, a quarter is little, too, and would cause hundreds of
// collections. The returned memory makes the collector count more. It is never written to, so it takes no real memory.
func limitMemory(limit int64) []byte {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
	if limit == 0 || limit >= ampleMemory || os.Getenv("GOMEMLIMIT") != "" {
		if os.Getenv("GOGC") != "" {
			return nil
		}
		return make([]byte, 32<<20)
	}
	debug.SetMemoryLimit(max(limit-unseenMemory, limit/2))
	if limit < scarceMemory && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // each processor has a worker and data that is read ahead
	}
	return nil
}

// warnMemory warns if the system may kill the run because its memory is too small.
func (c *cli) warnMemory() {
	if limit := memoryLimit(); limit > 0 && limit < leastMemory {
		c.warn("the control group of this process allows %s of memory, and firn may be killed with less than %s", report.Size(limit), report.Size(leastMemory))
	}
}
