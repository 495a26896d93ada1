//go:build !unix

package local

import (
	"io/fs"
	"os"
)

// heirOf returns an heir that changes nothing: these systems have no Unix
// owners.
func heirOf(fs.FileInfo) heir { return heir{uid: -1, gid: -1} }

// readFolder opens a folder.
const readFolder = os.O_RDONLY

// readOnly opens a file. On these systems a pipe has no name in a folder, so
// opening never waits.
const readOnly = os.O_RDONLY
