package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"firn/access"
	"firn/answer"
	"firn/diff"
	"firn/history"
	"firn/outcome"
	"firn/rowrestore"
	"firn/rows"
	"firn/snapshot"
	"firn/sqlite"
	"firn/sqlite/browse"
	"firn/sqlite/rowsync"
	"firn/web/change"
	"firn/web/gate"
	"firn/web/lists"
	"firn/web/work"
)

// Problem is an error in JSON, as RFC 9457 has it, with firn's exit code and hint.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   int    `json:"code"` // the exit code of the command that does the same
	Hint   string `json:"hint,omitempty"`
	Result any    `json:"result,omitempty"` // of a change that was done, and something else went wrong

	Heading string `json:"-"` // of the page
}

// refusal is an error with the status of its answer.
type refusal struct {
	status int
	err    error
	result any
}

// refuse returns an error with a status and a hint.
func refuse(status int, hint, format string, args ...any) error {
	return &refusal{status: status, err: outcome.New(fmt.Errorf(format, args...), outcome.CodeFailed, hint)}
}

// withResult returns an error that came with a result.
func withResult(err error, result any) error { return &refusal{statusOf(err), err, result} }

// Error returns the message.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the cause.
func (r *refusal) Unwrap() error { return r.err }

// statusOf returns the status of the answer for an error.
func statusOf(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status
	}
	code, _ := outcome.Classify(err)
	_, ambiguous := errors.AsType[*snapshot.AmbiguousError](err)
	_, refused := errors.AsType[*rowsync.Refusal](err)
	switch {
	case errTooLarge(err):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, gate.ErrHost):
		return http.StatusMisdirectedRequest
	case errors.Is(err, gate.ErrOrigin):
		return http.StatusForbidden
	case errors.Is(err, access.ErrRefused):
		return http.StatusUnauthorized
	case errors.Is(err, snapshot.ErrNotFound), errors.Is(err, browse.ErrNoTable), errors.Is(err, rows.ErrNoTable), errors.Is(err, diff.ErrNoTable),
		errors.Is(err, history.ErrNotYet):
		return http.StatusNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, work.ErrEnding), errors.Is(err, work.ErrBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, lists.ErrRepository) && code != outcome.CodeDamage:
		return http.StatusServiceUnavailable
	case errors.Is(err, outcome.ErrRunning), errors.Is(err, work.ErrForm), errors.Is(err, change.ErrOtherPlan), errors.Is(err, rowsync.ErrChanged),
		errors.Is(err, sqlite.ErrBusy):
		return http.StatusConflict
	case refused, errors.Is(err, browse.ErrNoKey), errors.Is(err, browse.ErrTooMany), errors.Is(err, diff.ErrVirtual), errors.Is(err, rowrestore.ErrCut),
		errors.Is(err, change.ErrName), errors.Is(err, change.ErrUnsound):
		return http.StatusUnprocessableEntity
	case ambiguous, errors.Is(err, sqlite.ErrSQL), errors.Is(err, sqlite.ErrReadOnly), code == outcome.CodeUsage:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// newProblem fills a [Problem].
func newProblem(err error) Problem {
	code, hint := outcome.Classify(err)
	status := statusOf(err)
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: err.Error(), Code: code, Hint: hint}
	p.Heading = heading(err, status)
	switch {
	case p.Hint == "" && errors.Is(err, context.DeadlineExceeded):
		p.Hint = lists.SlowHint
	case errors.Is(err, work.ErrBusy):
		p.Hint = "Wait until some of them have ended: the list of work shows them."
	case errors.Is(err, work.ErrForm):
		p.Hint = "If the form was sent before, its job is in the list of work. Otherwise load the page with the form again."
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		p.Result = r.result
	}
	return p
}

// heading says in plain words what is wrong.
func heading(err error, status int) string {
	switch {
	case errors.Is(err, lists.ErrRepository):
		return "The repository cannot be read"
	case errors.Is(err, context.DeadlineExceeded):
		return "This takes too long"
	case errors.Is(err, work.ErrForm):
		return "This form cannot be used"
	}
	words := map[int]string{
		http.StatusNotFound: "This is not there", http.StatusForbidden: "This is not allowed", http.StatusBadRequest: "This cannot be asked",
		http.StatusUnauthorized: "Sign in first", http.StatusInternalServerError: "This could not be done",
		http.StatusConflict: "Not now", http.StatusTooManyRequests: "Not now", http.StatusServiceUnavailable: "Not now",
	}[status]
	return cmp.Or(words, http.StatusText(status))
}

// fail answers with an error. An answer that has begun is broken off: a client must not take a part for the whole.
func (c *call) fail(err error) {
	if c.w.Begun {
		panic(http.ErrAbortHandler)
	}
	p := newProblem(err)
	h := c.w.Header()
	for _, name := range []string{"Content-Length", "Content-Disposition", "Content-Encoding", "ETag", "Last-Modified"} {
		h.Del(name) // of what was to be sent
	}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="firn"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	if !c.api {
		c.showProblem(p)
		return
	}
	text, err := answer.Encode(p)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c.send(p.Status, "application/problem+json", text)
}

// errTooLarge reports whether a body was larger than allowed.
func errTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
