package gate

import (
	"net/http"
	"time"
)

// Pacer is a response whose client must keep on taking it, at whatever speed. A deadline for the whole would cut a large file.
type Pacer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	Begun   bool // the header was sent
}

func newPacer(w http.ResponseWriter, stall time.Duration) *Pacer {
	return &Pacer{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
}

// Unwrap returns the response for [http.ResponseController].
func (p *Pacer) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// extend gives the client more time. A response of a test has no deadlines.
func (p *Pacer) extend() { _ = p.control.SetWriteDeadline(time.Now().Add(p.stall)) }

// limitBody bounds the size of a request's body and the time that it takes.
func (p *Pacer) limitBody(r *http.Request, most int64) {
	if r.ContentLength == 0 {
		return
	}
	r.Body = http.MaxBytesReader(p.ResponseWriter, r.Body, most)
	_ = p.control.SetReadDeadline(time.Now().Add(p.stall))
}

// BodyRead ends the time for a body that is whole. Without that, the handler would be interrupted when the time has passed. For a
// body that is not, the time goes on: the server reads what is left of it before the next request.
func (p *Pacer) BodyRead() { _ = p.control.SetReadDeadline(time.Time{}) }

// WriteHeader sends the header.
func (p *Pacer) WriteHeader(status int) {
	p.Begun = true
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

// paceRun is how many bytes a client must take within the time.
const paceRun = 64 << 10

// Write sends a part of the body.
func (p *Pacer) Write(b []byte) (n int, err error) {
	p.Begun = true
	for len(b) > 0 && err == nil {
		p.extend()
		var some int
		some, err = p.ResponseWriter.Write(b[:min(paceRun, len(b))])
		n, b = n+some, b[some:]
	}
	return n, err
}
