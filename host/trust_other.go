//go:build !unix

package host

import "os"

// Open opens a file for reading. Owners and modes are not judged on this system.
func Open(path string) (*os.File, error) { return os.Open(path) }

// HandedOver reports false: this system has no such path.
func HandedOver(string) bool { return false }

// MakeFolder makes a folder with its parents.
func MakeFolder(path string) error { return os.MkdirAll(path, 0o700) }

// MakePrivateFolder is [MakeFolder]: the rights of other users are not judged on this system.
func MakePrivateFolder(path string) error { return MakeFolder(path) }
