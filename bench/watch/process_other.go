//go:build !linux

package main

import (
	"errors"
	"time"
)

// process is what a process has used.
type process struct {
	cpu         time.Duration
	rss         int64
	descriptors int
}

// usageOf returns an error: the system has no /proc.
func usageOf(int) (p process, err error) { return p, errors.ErrUnsupported }
