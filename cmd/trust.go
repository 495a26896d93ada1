package cmd

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"firn/host"
)

// own reports whether a file is the caller's. Where no owners are known, all are.
func own(info fs.FileInfo) bool {
	uid, _, known := owner(info)
	return !known || uid == os.Geteuid()
}

// ofAnother reports whether an error tells of a file or folder of another user than the
// caller and root.
func ofAnother(err error) bool {
	e, ok := errors.AsType[*host.UntrustedError](err)
	return ok && e.UID != 0 && e.UID != os.Geteuid()
}

// trustHint says what to do about a path that others can change, or about any other
// error what is given.
func trustHint(err error, otherwise string) string {
	e, ok := errors.AsType[*host.UntrustedError](err)
	if !ok {
		return otherwise
	}
	words := make([]string, len(e.Fix))
	for i, w := range e.Fix {
		words[i] = quoteWord(w)
	}
	run := "run: " + strings.Join(words, " ")
	if e.Folder {
		return "Keep it in a folder that no other user can change, or " + run
	}
	return strings.ToUpper(run[:1]) + run[1:]
}
