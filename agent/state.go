package agent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
)

// mostStates is how many pullers of one database the agent keeps row counters for.
const mostStates = 4

// statePath returns the file for the row counter of a database and a puller, "" for none. The files of pullers that have not
// come for longest go.
func (a *Agent) statePath(path, puller string) string {
	if _, err := hex.DecodeString(puller); a.o.CacheDir == "" || err != nil || len(puller) != 16 {
		return ""
	}
	if os.MkdirAll(a.o.CacheDir, 0o700) != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(path))
	prefix := filepath.Join(a.o.CacheDir, hex.EncodeToString(sum[:8])) + "-"
	own := prefix + puller + ".census"
	others, _ := filepath.Glob(prefix + "*.census")
	others = slices.DeleteFunc(others, func(name string) bool { return name == own })
	slices.SortFunc(others, func(x, y string) int { return cmp.Compare(modified(y), modified(x)) })
	for _, old := range others[min(len(others), mostStates-1):] {
		_ = os.Remove(old) // it is about time only
	}
	return own
}

// modified returns when a file was written, in nanoseconds; 0 if that is not known.
func modified(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}
