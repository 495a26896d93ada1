package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"unicode"

	"firn/store"
)

// These errors are about the other side of a store, not about its objects.
var (
	// ErrAnswer is returned for an answer that no firn gives.
	ErrAnswer = errors.New("the answer is not one of a firn store")
	// ErrNoPlace is returned when the folder of the store is missing. The error of a listing then matches [fs.ErrNotExist], too.
	ErrNoPlace = errors.New("there is no such folder")
	// ErrRequest is returned when the server refuses a request as none that a store has.
	ErrRequest = errors.New("the store refuses the request")
	// ErrRefused is returned when the rules of the server, or the rights of its user, do not allow a request. It matches
	// [store.ErrDenied].
	ErrRefused = fmt.Errorf("the other host does not allow it: %w", store.ErrDenied)
	// ErrFailed is returned when the store of the server has failed.
	ErrFailed = errors.New("the store has failed")
	// ErrBusy is returned when the server could not answer in time. It is worth another try.
	ErrBusy = errors.New("the store is busy")
)

// errChecksum is returned for bytes that were changed on the way. It is worth another try.
var errChecksum = errors.New("bytes were changed on the way")

// problems are the errors that travel, by their codes. The first one that an error matches counts.
var problems = []struct {
	code   string
	status int
	err    error
}{
	{"exists", http.StatusConflict, fs.ErrExist},
	{"no-place", http.StatusNotFound, ErrNoPlace},
	{"missing", http.StatusNotFound, fs.ErrNotExist},
	{"short", http.StatusRequestedRangeNotSatisfiable, io.ErrUnexpectedEOF},
	{"too-large", http.StatusRequestEntityTooLarge, store.ErrTooLarge},
	{"no-space", http.StatusInsufficientStorage, store.ErrNoSpace},
	{"denied", http.StatusForbidden, ErrRefused},
	{"denied", http.StatusForbidden, store.ErrDenied},
	{"denied", http.StatusForbidden, fs.ErrPermission},
	{"unsupported", http.StatusNotImplemented, errors.ErrUnsupported},
	{"checksum", http.StatusBadRequest, errChecksum},
	{"request", http.StatusBadRequest, ErrRequest},
	{"busy", http.StatusServiceUnavailable, ErrBusy},
	{"busy", http.StatusServiceUnavailable, store.ErrUnreachable},
	{"failed", http.StatusInternalServerError, ErrFailed},
}

// problem is the body of an answer that tells an error.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// mostProblem is how many bytes of a problem are read, mostMessage how many of its message are kept.
const (
	mostProblem = 16 << 10
	mostMessage = 1000
)

// newProblem returns the problem that tells an error, and its status.
func newProblem(err error) (p problem, status int) {
	for _, known := range problems {
		if errors.Is(err, known.err) {
			return problem{known.code, err.Error()}, known.status
		}
	}
	last := problems[len(problems)-1]
	return problem{last.code, err.Error()}, last.status
}

// toldError is an error of the other side. It has the words of that side and matches the error that the code stands for.
type toldError struct {
	words string
	kind  error
}

// Error returns the words of the other side.
func (e *toldError) Error() string { return e.words }

// Unwrap returns the error that the code stands for.
func (e *toldError) Unwrap() error { return e.kind }

// readProblem returns the error that an answer tells.
func readProblem(answer *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(answer.Body, mostProblem))
	if err != nil {
		return cut(err)
	}
	return parseProblem(b, answer.Status)
}

func parseProblem(b []byte, status string) error {
	var p problem
	if err := json.Unmarshal(b, &p); err == nil {
		for _, known := range problems {
			if p.Code == known.code {
				return &toldError{clean(p.Message), known.err}
			}
		}
	}
	return fmt.Errorf("%w: status %.50q", ErrAnswer, status)
}

// clean makes a text of another side fit for a message.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if len(text) > mostMessage {
		text = strings.ToValidUTF8(text[:mostMessage], "") + "..."
	}
	return text
}

// errCut is returned for an answer that breaks off. It is worth another try.
var errCut = errors.New("the answer breaks off")

// cut hides the cause, which can match [io.ErrUnexpectedEOF]: in a [store.Store] that means an object that is too short.
func cut(err error) error { return fmt.Errorf("%w: %v", errCut, err) }
