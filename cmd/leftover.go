package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// removeLeftovers removes private files beside the target that runs which were killed have left behind: nothing else
// looks for them, they may be large, and hold what should not lie around. The target's lock is held, so they are no
// other run's of this moment.
func (r *restoration) removeLeftovers() { r.removeOlder(r.site, 0) }

// removeOlder removes private files beside a target that are older than age.
func (s *session) removeOlder(at *site, age time.Duration) {
	_ = at.at(func(target string) error { // it is about tidiness only
		dir := filepath.Dir(target)
		files, err := os.ReadDir(dir)
		for _, f := range files {
			if info, err := f.Info(); err == nil && isStaged(f.Name(), target) && info.Mode().IsRegular() && s.now().Sub(info.ModTime()) >= age {
				s.detail("remove %s, left behind by a run that was killed", f.Name())
				_ = removeFile(filepath.Join(dir, f.Name()))
			}
		}
		return err
	})
}

// isStaged reports whether a name is of a private file beside a target: one of
// another target can begin in the same way.
func isStaged(name, target string) bool {
	rest, ours := strings.CutPrefix(name, stageName(target)+"-")
	random := strings.TrimRight(rest, "abcdefghijklmnopqrstuvwxyz-") // without what removeStaged knows
	return ours && random != "" && strings.Trim(random, "0123456789") == ""
}

// removeStaged removes a private image, and what SQLite and a scrub file can leave
// beside it.
func removeStaged(image string) error {
	var errs []error
	for _, end := range []string{"", "-journal", "-wal", "-shm", "-compact", "-compact-journal"} {
		errs = append(errs, removeFile(image+end))
	}
	return errors.Join(errs...)
}
