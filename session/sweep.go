package session

import (
	"path/filepath"
	"time"

	"firn/scratch"
	"firn/site"
)

// SweepIdle is how long nothing was written to a private folder before a run of another
// task removes it: the lock shows that its process is gone, but for machines that share a
// disk and no locks.
const SweepIdle = time.Hour

// SweepSite is [cmd.cli.sweep] for the folder of a database.
func (c *Caller) SweepSite(at *site.Site, idle time.Duration) {
	_ = at.At(func(path string) error { c.Sweep(filepath.Dir(path), idle); return nil }) // it returns no error
}

// SweepBeside is [cmd.cli.sweepSite] for a database that may be missing.
func (c *Caller) SweepBeside(path string, idle time.Duration) {
	at, err := site.Reach(path)
	if err != nil {
		return // the backup says why
	}
	c.SweepSite(at, idle)
	_ = at.Close() // nothing was written to it
}

// Sweep removes from a folder the private copies that runs which were killed have left
// there: they may be large, and hold what should not lie around. It stops nothing.
func (c *Caller) Sweep(dir string, idle time.Duration) {
	removed, err := scratch.Sweep(dir, c.Now(), idle)
	for _, name := range removed {
		c.Detail("removed %s from %s, left behind by a run that was killed", name, dir)
	}
	if err != nil {
		c.Detail("%v", err)
	}
}
