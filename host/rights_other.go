//go:build !unix

package host

// reach uses paths as they are: on this system there is no superuser with rights that other users could misuse.
func reach(path string) (*Folder, string, error) { return asIs(path) }

// judge finds no other users.
func (s *step) judge(string) error { return nil }
