package session

import (
	"cmp"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"firn/host"
	"firn/outcome"
)

// OpenCache returns this repository's cache folder, and makes it. No run needs a cache: without a place for one, all works
// and takes longer. A place that another user can change is refused: that user could lead firn's writes, and its locks,
// anywhere.
func (s *Session) OpenCache(location string) string {
	if s.Settings.NoCache {
		return ""
	}
	named := cmp.Or(s.Settings.CacheDir, s.Getenv("FIRN_CACHE_DIR"))
	for _, place := range cachePlaces(named) {
		dir := filepath.Join(place, locationHash(location))
		err := s.takeCache(dir)
		if err == nil {
			s.Detail("cache: %s", dir)
			return dir
		}
		_, untrusted := errors.AsType[*host.UntrustedError](err)
		if untrusted && named != "" {
			s.Warn("there is no cache: %v. %s", err, outcome.TrustHint(err, ""))
		} else {
			s.Detail("no cache: %v", err)
		}
		if !untrusted {
			break
		}
	}
	return ""
}

// cachePlaces returns the folders where caches may be, in the order in which they are tried until one can be trusted: the
// folder that is named; or else one below HOME, which sudo or su may have left as another user's, and then one below the
// home that the system knows.
func cachePlaces(named string) []string {
	if named != "" {
		return []string{named}
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	places := []string{filepath.Join(dir, "firn")}
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil && u.HomeDir != "" {
		places = append(places, filepath.Join(u.HomeDir, ".cache", "firn"))
	}
	return places
}

// takeCache makes a cache folder, or only looks for it, and proves that it is the caller's.
func (s *Session) takeCache(dir string) error {
	if s.opening.OnlyExistingCache {
		if _, err := os.Stat(dir); err != nil {
			return err
		}
		return host.MakePrivateFolder(dir)
	}
	if err := host.MakePrivateFolder(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
