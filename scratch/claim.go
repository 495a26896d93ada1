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

// claimPrefix begins the names of the folders that stand for claims; hexadecimal digits of
// the file's name follow.
const claimPrefix = ".firn-claim-"

// claimAge is how old a claim must be before a sweep takes it for left behind. Its name is
// used again, so what a sweep has looked at may be another claim a moment later.
const claimAge = time.Hour

// isClaim reports whether a name is that of a claim.
func isClaim(name string) bool { return strings.HasPrefix(name, claimPrefix) }

// Claim is the exclusive use of a file by firn, wherever other processes keep their caches
// and temporary files: a locked folder beside the file. It ends with the process.
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
	err := os.Remove(c.path) // before the lock is gone: it may be the next one's then
	return errors.Join(err, c.folder.Close())
}
