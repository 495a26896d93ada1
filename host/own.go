package host

import (
	"errors"
	"io/fs"
	"os"
)

// Own reports whether a file belongs to the user of this process. Where no owners are known, every file does.
func Own(info fs.FileInfo) bool {
	uid, _, known := Owner(info)
	return !known || uid == os.Geteuid()
}

// OfAnother reports whether an error tells of a file or a folder that belongs neither to the user of this process nor to
// root.
func OfAnother(err error) bool {
	e, ok := errors.AsType[*UntrustedError](err)
	return ok && e.UID != 0 && e.UID != os.Geteuid()
}
