//go:build !unix

package scratch

import (
	"io/fs"
	"os"
)

// own reports true: this system does not show the owner of a file.
func own(fs.FileInfo) bool { return true }

// readFolder opens a folder.
const readFolder = os.O_RDONLY
