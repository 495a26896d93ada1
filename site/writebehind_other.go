//go:build !linux

package site

import "os"

// beginWriting does nothing: these systems have no such request.
func beginWriting(_ *os.File, _, _ int64) {}
