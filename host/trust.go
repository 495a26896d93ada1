package host

import (
	"fmt"
	"io"
)

// UntrustedError is returned for a path that a user other than the caller and root can
// change: the file itself, or a folder or link on the way to it.
type UntrustedError struct {
	Path   string   // of the file, folder or link at fault, without links
	UID    int      // owner of Path
	Folder bool     // Path is a folder, and not the file itself
	Reason string   // why Path is not trusted
	Fix    []string // a command that mends it
}

// Error names the path and the reason.
func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%s is not trusted: %s", e.Path, e.Reason)
}

// ReadFile reads a file like [Open].
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
