package scratch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrClaimed is returned for a file that another process has claimed.
var ErrClaimed = errors.New("another process has claimed the file")

// claimPrefix is the beginning of the names of the folders that stand for claims. Hexadecimal
// digits, by the file's name, follow.
const claimPrefix = ".firn-claim-"

// claimAge is how old a claim must be before a sweep removes it. The name of a claim is used again,
// so a moment after the sweep has looked at it, it may be another claim.
const claimAge = time.Hour

// isClaim reports whether a name is that of a claim.
func isClaim(name string) bool { return strings.HasPrefix(name, claimPrefix) }

// Claim is the exclusive use of a file by one process of firn, even if other processes keep their
// caches and temporary files in other places. A locked folder beside the file stands for it. It
// ends with the process.
type Claim struct {
	path   string
	folder *os.File
}

// claimPath returns the path of the folder that stands for a claim of a file.
func claimPath(file string) string {
	sum := sha256.Sum256([]byte(filepath.Base(file)))
	return filepath.Join(filepath.Dir(file), claimPrefix+hex.EncodeToString(sum[:8]))
}

// Release ends the claim. It may be called on a nil Claim.
func (c *Claim) Release() error {
	if c == nil {
		return nil
	}
	err := os.Remove(c.path) // before the lock is gone: afterwards the folder may be another process's claim
	return errors.Join(err, c.folder.Close())
}
