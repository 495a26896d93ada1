//go:build !unix

package site

import "os"

// openAtOnce opens a file for reading.
func openAtOnce(path string) (*os.File, error) { return os.Open(path) }

// syncFolder does nothing: on these systems names are as durable as files.
func syncFolder(string) error { return nil }
