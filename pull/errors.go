package pull

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"firn/outcome"
	"firn/scratch"
	"firn/sqlite"
)

// These errors are an agent's own.
var (
	// ErrNotAllowed is returned for a database that the agent may not touch, or not write.
	ErrNotAllowed = outcome.ErrNotAllowed
	// ErrRequest is returned for a request that an agent cannot understand.
	ErrRequest = errors.New("the agent does not understand the request")
)

// Failure is an error on its way to the other side.
type Failure struct {
	Code    string `json:"code,omitempty"` // a name in the table of kinds; "" for any other error
	Message string `json:"message"`
}

// kinds are the errors that keep their kind on the way. The first that matches counts.
var kinds = []struct {
	code string
	err  error
}{
	{"not-allowed", ErrNotAllowed},
	{"request", ErrRequest},
	{"stuck", outcome.ErrStuck},
	{"claimed", scratch.ErrClaimed},
	{"differs", sqlite.ErrDiffers},
	{"strange-sidecar", sqlite.ErrStrangeSidecar},
	{"sidecar", sqlite.ErrSidecar},
	{"page-size", sqlite.ErrPageSize},
	{"detached", sqlite.ErrDetached},
	{"empty", sqlite.ErrEmpty},
	{"not-file", sqlite.ErrNotFile},
	{"not-database", sqlite.ErrNotDatabase},
	{"corrupt", sqlite.ErrCorrupt},
	{"holds-up", sqlite.ErrHoldsUp},
	{"busy", sqlite.ErrBusy},
	{"changed", sqlite.ErrChanged},
	{"no-space", sqlite.ErrNoSpace},
	{"io", sqlite.ErrIO},
	{"missing", fs.ErrNotExist},
	{"exists", fs.ErrExist},
	{"permission", fs.ErrPermission},
}

// FailureOf returns an error as it goes over the wire.
func FailureOf(err error) Failure {
	f := Failure{Message: err.Error()}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			f.Code = k.code
			break
		}
	}
	f.Message = f.Message[:min(len(f.Message), mostText)]
	return f
}

// failureIn returns the error that a text in JSON stands for.
func failureIn(text []byte) error {
	var f Failure
	if err := json.Unmarshal(text, &f); err != nil || f.Message == "" {
		return ErrFrame
	}
	return f.err()
}

// err returns the error that it stands for.
func (f *Failure) err() error {
	far := &farError{text: clean(f.Message)}
	for _, k := range kinds {
		if k.code == f.Code {
			far.kind = k.err
		}
	}
	return far
}

// about returns an error with what it is about. The agent's own errors name the database; others name the host.
func (h *Host) about(verb, database string, err error) error {
	if _, ok := errors.AsType[*farError](err); ok {
		return outcome.OfSource(fmt.Errorf("agent on %s: %w", h.name, err))
	}
	return outcome.OfSource(fmt.Errorf("%s database %s: %w", verb, database, err))
}

// broken returns the error for words of the other side that are not the protocol's.
func (h *Host) broken(err error) error { return fmt.Errorf("%s: %w", h.name, err) }

// farError is an error of the agent.
type farError struct {
	text string
	kind error // nil for an unknown kind
}

// Error returns the text of the agent.
func (e *farError) Error() string { return e.text }

// Unwrap returns the kind of the error.
func (e *farError) Unwrap() error { return e.kind }
