//go:build unix && !linux

package host

// hasACL reports false: on this system access control lists do not show in a mode.
func hasACL(string) bool { return false }
