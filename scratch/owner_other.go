//go:build !unix

package scratch

import "io/fs"

// own reports true: who owns a file is not to be seen here.
func own(fs.FileInfo) bool { return true }
