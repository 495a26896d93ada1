//go:build !linux

package sqlite

// refuseSpecialFiles does nothing: [checkSidecars] has to do.
func refuseSpecialFiles() error { return nil }
