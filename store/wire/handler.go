package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"firn/store"
)

// Rules say what clients of a [Handler] may do. The zero value lets them do all that a store can.
type Rules struct {
	AppendOnly bool   // nothing can be deleted
	Quota      *Quota // nil for none
	// Space returns the room of the place. It may be nil.
	Space func(context.Context) (store.Space, error)
	// Refused is told each request that breaks a rule. It may be nil. Several goroutines may call it at once.
	Refused func(Refusal)
}

// Refusal is a request that was refused.
type Refusal struct {
	Request string // such as "delete meta/config", with a name as the client has sent it
	Err     error
}

// errAppendOnly is returned for requests that would remove something.
var errAppendOnly = fmt.Errorf("%w: this place only grows, nothing can be deleted from here", store.ErrDenied)

// memory is how many bytes of objects a handler has in memory at once.
const memory = 3 * store.MaxObject

// Handler offers a store to clients. Make one with [NewHandler].
type Handler struct {
	store  store.Store
	rules  Rules
	memory *semaphore.Weighted
}

// NewHandler returns a handler that offers a store. The caller closes the store when no request is under way.
func NewHandler(st store.Store, rules Rules) *Handler {
	return &Handler{store: st, rules: rules, memory: semaphore.NewWeighted(memory)}
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.answer(w, r); err != nil {
		h.rules.report(r, err)
		Fail(w, err)
	}
}

// report tells of a request that breaks a rule.
func (r *Rules) report(request *http.Request, err error) {
	if r.Refused == nil {
		return
	}
	for _, rule := range []error{ErrRequest, store.ErrDenied, store.ErrTooLarge, store.ErrNoSpace} {
		if errors.Is(err, rule) && !(rule == store.ErrTooLarge && request.Method == http.MethodGet) {
			r.Refused(Refusal{describe(request), err})
			return
		}
	}
}

// describe names a request for a log.
func describe(r *http.Request) string {
	what := strings.ToLower(r.Method) + " " + r.URL.Path
	if name, ok := strings.CutPrefix(r.URL.Path, pathObject); ok {
		what = strings.ToLower(r.Method) + " " + name
	}
	return clean(what[:min(len(what), 300)])
}

// Fail answers with an error. Nothing must have been written before.
func Fail(w http.ResponseWriter, err error) {
	p, status := newProblem(err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// answer answers a request, or returns an error before it has written anything.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) error {
	name, isObject := strings.CutPrefix(r.URL.Path, pathObject)
	switch call := r.Method + " " + r.URL.Path; {
	case isObject && r.Method == http.MethodPut:
		return h.put(w, r, name)
	case isObject && r.Method == http.MethodGet:
		return h.get(w, r, name)
	case call == "GET "+pathList:
		return h.list(w, r)
	case call == "POST "+pathDelete:
		return h.delete(w, r)
	case call == "POST "+pathClean:
		return h.clean(w, r)
	case call == "POST "+PathCreate:
		w.WriteHeader(http.StatusNoContent) // it is there
		return nil
	case call == "GET "+pathSpace:
		return h.space(w, r)
	}
	return fmt.Errorf("%w: there is no %s of %.100q", ErrRequest, r.Method, r.URL.Path)
}

// checked returns the error of a wrong name as one of the request.
func checked(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %.300s", ErrRequest, err)
	}
	return nil
}

// delete deletes the objects that the body names.
func (h *Handler) delete(w http.ResponseWriter, r *http.Request) error {
	if h.rules.AppendOnly {
		return errAppendOnly
	}
	names, err := readNames(w, r)
	if err != nil {
		return err
	}
	if h.rules.Quota != nil {
		defer h.rules.Quota.forget()
	}
	if err := h.store.Delete(r.Context(), names...); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readNames reads the names of objects, one in each line.
func readNames(w http.ResponseWriter, r *http.Request) (names []string, err error) {
	if r.ContentLength < 0 || r.ContentLength > mostNameList {
		return nil, fmt.Errorf("%w: a deletion of %d bytes", ErrRequest, r.ContentLength)
	}
	body := newPaced(w, r.Body)
	lines := bufio.NewScanner(io.LimitReader(body, mostNameList))
	for lines.Scan() {
		if err := store.CheckName(lines.Text()); err != nil {
			return nil, checked(err)
		}
		names = append(names, lines.Text())
	}
	if lines.Err() != nil || len(names) > mostNames {
		return nil, fmt.Errorf("%w: a deletion of %d objects: %v", ErrRequest, len(names), lines.Err())
	}
	return names, nil
}

// clean removes old temporary files.
func (h *Handler) clean(w http.ResponseWriter, r *http.Request) error {
	cleaner, ok := h.store.(store.Cleaner)
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	switch {
	case h.rules.AppendOnly:
		return errAppendOnly
	case err != nil:
		return fmt.Errorf("%w: a cleaning without a time", ErrRequest)
	case !ok:
		_, _ = fmt.Fprintln(w, 0) // such a store has no temporary files
		return nil
	}
	n, err := cleaner.Clean(r.Context(), time.Unix(0, before))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, n) // the client may be gone
	return nil
}

// space tells the room of the place: that of the disk, and of the quota if that is less.
func (h *Handler) space(w http.ResponseWriter, r *http.Request) error {
	room, err := h.room(r.Context())
	if err != nil {
		return err
	}
	_ = json.NewEncoder(w).Encode(room) // the client may be gone
	return nil
}

func (h *Handler) room(ctx context.Context) (store.Space, error) {
	var room store.Space
	err := fmt.Errorf("the room of the place: %w", errors.ErrUnsupported)
	if h.rules.Space != nil {
		room, err = h.rules.Space(ctx)
	}
	if h.rules.Quota == nil {
		return room, err
	}
	left, quotaErr := h.rules.Quota.left(ctx)
	if quotaErr != nil {
		return store.Space{}, quotaErr
	}
	if err != nil || left < room.Free {
		return store.Space{Free: left, Total: h.rules.Quota.most}, nil
	}
	return room, nil
}
