package cmd

import (
	"errors"
	"strings"

	"firn/host"
)

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
