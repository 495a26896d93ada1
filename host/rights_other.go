//go:build !unix

package host

// reach uses paths as they are: there is no superuser here whose rights others could use.
func reach(path string) (*Folder, string, error) { return asIs(path) }

// judge finds no other users.
func (s *step) judge(string) error { return nil }
