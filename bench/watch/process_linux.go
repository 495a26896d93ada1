package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// userHertz is the unit of times in /proc: the kernel's interface has it fixed.
const userHertz = 100

// process is what a process has used.
type process struct {
	cpu         time.Duration
	rss         int64 // bytes, now
	descriptors int
}

// usageOf returns what a process has used so far.
func usageOf(pid int) (p process, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return p, err
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may have blanks
	fields := strings.Fields(after)
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return p, err
		}
		p.cpu += time.Duration(n) * time.Second / userHertz
	}
	pages, err := strconv.ParseInt(fields[21], 10, 64)
	if err != nil {
		return p, err
	}
	p.rss = pages * int64(os.Getpagesize())
	open, err := os.ReadDir(dir + "fd")
	p.descriptors = len(open)
	return p, err
}
