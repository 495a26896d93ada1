package session

import (
	"path/filepath"
	"time"

	"firn/scratch"
	"firn/site"
)

// SweepIdle is the time without a write after which another run removes a private folder. Its lock shows already that its
// process is gone, but not where machines share a disk and no locks.
const SweepIdle = time.Hour

// SweepSite is [Caller.Sweep] for the folder of a database.
func (c *Caller) SweepSite(at *site.Site, idle time.Duration) {
	_ = at.At(func(path string) error { c.Sweep(filepath.Dir(path), idle); return nil }) // it returns no error
}

// SweepBeside is [Caller.SweepSite] for the path of a database that may be missing.
func (c *Caller) SweepBeside(path string, idle time.Duration) {
	at, err := site.Reach(path)
	if err != nil {
		return // the backup says why
	}
	c.SweepSite(at, idle)
	_ = at.Close() // nothing was written to it
}

// Sweep removes private copies from a folder that killed runs have left there. They may be large, and hold rows that no
// other program should see. An error stops nothing.
func (c *Caller) Sweep(dir string, idle time.Duration) {
	removed, err := scratch.Sweep(dir, c.Now(), idle)
	for _, name := range removed {
		c.Detail("removed %s from %s, left behind by a run that was killed", name, dir)
	}
	if err != nil {
		c.Detail("%v", err)
	}
}
