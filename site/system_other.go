//go:build !unix

package site

import "os"

// openAtOnce opens a file for reading.
func openAtOnce(path string) (*os.File, error) { return os.Open(path) }

// syncFolder need not do anything: names are as durable as files here.
func syncFolder(string) error { return nil }
