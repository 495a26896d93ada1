//go:build !unix

package local

import (
	"io/fs"
	"os"
)

// heirOf knows no owners here.
func heirOf(fs.FileInfo) heir { return heir{uid: -1, gid: -1} }

// readFolder opens a folder.
const readFolder = os.O_RDONLY

// readOnly opens a file: pipes have no names in folders here.
const readOnly = os.O_RDONLY
