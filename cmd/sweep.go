package cmd

import (
	"path/filepath"
	"time"

	"firn/scratch"
)

// sweepIdle is how long nothing was written to a private folder before a run of another
// task removes it: the lock shows that its process is gone, but for machines that share a
// disk and no locks.
const sweepIdle = time.Hour

// sweepSite is [cli.sweep] for the folder of a database.
func (c *caller) sweepSite(at *site, idle time.Duration) {
	_ = at.at(func(path string) error { c.sweep(filepath.Dir(path), idle); return nil }) // it returns no error
}

// sweepBeside is [cli.sweepSite] for a database that may be missing.
func (c *caller) sweepBeside(path string, idle time.Duration) {
	at, err := reachSite(path)
	if err != nil {
		return // the backup says why
	}
	c.sweepSite(at, idle)
	_ = at.close() // nothing was written to it
}

// sweep removes from a folder the private copies that runs which were killed have left
// there: they may be large, and hold what should not lie around. It stops nothing.
func (c *caller) sweep(dir string, idle time.Duration) {
	removed, err := scratch.Sweep(dir, c.now(), idle)
	for _, name := range removed {
		c.detail("removed %s from %s, left behind by a run that was killed", name, dir)
	}
	if err != nil {
		c.detail("%v", err)
	}
}
