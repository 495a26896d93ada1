package wire

import (
	"io"
	"net/http"
	"time"
)

// slowest is how many bytes a second a client must send, or take, on average, after the first minute.
const (
	slowest = 1 << 10
	grace   = time.Minute
)

// paced is the body of a request that must come at a speed. A body that is too slow ends with an error.
type paced struct {
	body    io.Reader
	control *http.ResponseController
	began   time.Time
	got     int64
}

func newPaced(w http.ResponseWriter, body io.Reader) *paced {
	return &paced{body: body, control: http.NewResponseController(w), began: time.Now()}
}

// Read reads until the deadline that the bytes so far allow.
func (p *paced) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(p.began.Add(allowance(p.got))) // a server without deadlines has none
	n, err := p.body.Read(b)
	p.got += int64(n)
	return n, err
}

// allowance is how long n bytes may take.
func allowance(n int64) time.Duration { return grace + time.Duration(n/slowest)*time.Second }

// allow lets the client take n bytes more for an answer.
func allow(w http.ResponseWriter, n int64) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(allowance(n))) // a server without deadlines has none
}
