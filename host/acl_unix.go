//go:build unix && !linux

package host

// hasACL knows of no access control lists here: they are no part of a mode.
func hasACL(string) bool { return false }
