//go:build !unix

package sqlite

import (
	"io/fs"
	"os"
)

// sameOwner does nothing: on this system the folder decides which users have access.
func sameOwner(*os.File, fs.FileInfo) error { return nil }
