//go:build !unix

package sqlite

// mayMakeSidecars is true where files belong to who has access to the folder.
func mayMakeSidecars(string) bool { return true }
