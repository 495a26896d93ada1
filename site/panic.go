package site

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// PanicError is the error of a call that has panicked: a bug of firn's. It is an error of the one database that the call was about.
type PanicError struct {
	Value any
	Place string // the file and the line
}

// Error says what was raised, and where.
func (e *PanicError) Error() string {
	return fmt.Sprintf("internal error of firn: %v (at %s)", e.Value, e.Place)
}

// Caught calls f, and returns a panic as a [PanicError].
func Caught(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, placeOfPanic()}
		}
	}()
	return f()
}

// placeOfPanic returns the place of the panic that a deferred function has recovered from.
func placeOfPanic() string {
	calls := make([]uintptr, 32)
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls)]) // without this function and its callers
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}
