//go:build !linux && !darwin

package sqlite

import "io/fs"

func statOf(fs.FileInfo) stat { return stat{} }
