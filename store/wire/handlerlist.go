package wire

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"

	"firn/store"
)

// list answers with a listing, line by line. An error after the beginning is the last line.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) error {
	prefix := r.URL.Query().Get("prefix")
	if err := store.CheckPrefix(prefix); err != nil {
		return checked(err)
	}
	w.Header().Set("Content-Type", "text/plain")
	l := &lister{out: bufio.NewWriterSize(w, 32<<10)}
	for o, err := range h.store.List(r.Context(), prefix) {
		if err != nil {
			return l.fail(w, err)
		}
		if l.count%1000 == 0 {
			allow(w, 1000*mostLine)
		}
		l.count++
		if _, err := fmt.Fprintf(l.out, "%s %d %d\n", o.Name, o.Size, o.Time.UnixNano()); err != nil {
			return nil // the client is gone
		}
	}
	fmt.Fprintf(l.out, "end %d\n", l.count)
	_ = l.out.Flush() // the client may be gone
	return nil
}

// lister is a listing that is being written.
type lister struct {
	out   *bufio.Writer
	count int
}

// fail ends the listing with an error. If nothing was written yet, the error is the answer.
func (l *lister) fail(w http.ResponseWriter, err error) error {
	if l.count == 0 {
		w.Header().Del("Content-Type")
		return err
	}
	p, _ := newProblem(err)
	text, _ := json.Marshal(p) // of two texts: no error
	fmt.Fprintf(l.out, "problem %s\n", text)
	_ = l.out.Flush() // the client may be gone
	return nil
}
