package session

import (
	"cmp"
	"os"
	"path/filepath"

	"firn/host"
)

// openState returns the folder for what this host knows of the repository, and makes it. Without one, this host does not
// notice when a repository is set back together with the cache.
func (s *Session) openState() string {
	dir, err := s.stateFolder()
	if err == nil {
		dir = filepath.Join(dir, locationHash(s.Place.String()))
		err = s.takeCache(dir)
	}
	if err == nil {
		return dir
	}
	if !s.opening.OnlyExistingCache {
		s.Warn("nothing outlives the cache here that tells when the repository is set back (FIRN_STATE_DIR names a folder for it): %v", err)
	}
	// A folder that can be read and not written still says what this host knew when it was written last.
	if _, missing := os.Stat(dir); missing == nil && host.MakePrivateFolder(dir) == nil {
		return dir
	}
	return ""
}

// StateDir returns the folder of what this host knows of the repository and must outlive caches, "" if there is none.
func (s *Session) StateDir() string { return s.openState() }

// SpoolDir returns the folder for what waits for a store that is away: the configured one, or one beside what must outlive
// caches, since people delete caches. It is "" if there is none.
func (s *Session) SpoolDir() string {
	if s.Conf.Watch.SpoolDir != "" {
		return filepath.Join(s.Conf.Watch.SpoolDir, locationHash(s.Place.String()))
	}
	dir := s.openState()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "spool")
}

// systemState is the folder where root keeps what must outlive caches.
const systemState = "/var/lib/firn"

// stateFolder returns the folder for what must outlive caches. It is beside a cache folder that was asked for, and not in
// it, since people delete caches.
func (c *Caller) stateFolder() (string, error) {
	if dir := c.Getenv("FIRN_STATE_DIR"); dir != "" {
		return dir, nil
	}
	if dir := cmp.Or(c.Settings.CacheDir, c.Getenv("FIRN_CACHE_DIR")); dir != "" {
		dir, err := filepath.Abs(dir)
		return dir + "-state", err
	}
	if dir := c.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "firn"), nil
	}
	if os.Geteuid() == 0 {
		return systemState, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "firn"), err
}
