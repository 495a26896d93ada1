package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// removeLeftovers removes private files beside a target that are older than age:
// runs that were killed have left them behind. Nothing else looks for them, they may
// be large, and hold what should not lie around.
func (s *session) removeLeftovers(target string, age time.Duration) {
	dir := filepath.Dir(target)
	files, err := os.ReadDir(dir)
	if err != nil {
		return // it is about tidiness only
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && isStaged(f.Name(), target) && info.Mode().IsRegular() && s.now().Sub(info.ModTime()) >= age {
			s.detail("remove %s, left behind by a run that was killed", f.Name())
			_ = removeFile(filepath.Join(dir, f.Name()))
		}
	}
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
