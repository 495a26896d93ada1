package cmd

import (
	"os"
	"runtime"
	"runtime/debug"

	"firn/report"
)

const (
	// ampleMemory is where a limit stops mattering: what firn uses at its most, several times.
	ampleMemory = 512 << 20
	// scarceMemory is where one processor's worth of buffers is all that there is room for.
	scarceMemory = 160 << 20
	// leastMemory is what a run takes that holds two packs of 16 MiB and one chunk's encoder, with what the collector does
	// not come to in time: with 64 MiB, one run in ten over 100 MB was killed.
	leastMemory = 96 << 20
	// unseenMemory is what the collector does not count: the program itself, SQLite's pages, stacks of threads.
	unseenMemory = 24 << 20
)

// limitMemory sets how much garbage there may be, and keeps the process within the memory that its surroundings allow, 0 for
// as much as there is: the kernel kills what goes beyond, which the collector does not know of by itself. With GOGC or
// GOMEMLIMIT the user decides. It returns memory for the caller to keep.
//
// A quarter of the memory in use may be garbage, not as much again: most of it are buffers without pointers, so that
// collections cost next to nothing. But there were hundreds of them where little is in use, for a quarter of that: so the
// collector sees more than there is, which is never written to, and thus takes no memory.
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
		runtime.GOMAXPROCS(1) // of workers and of what is read ahead there are as many as processors
	}
	return nil
}

// warnMemory tells that a run may be killed for want of memory.
func (c *cli) warnMemory() {
	if limit := memoryLimit(); limit > 0 && limit < leastMemory {
		c.warn("the control group of this process allows %s of memory, and firn may be killed with less than %s", report.Size(limit), report.Size(leastMemory))
	}
}
