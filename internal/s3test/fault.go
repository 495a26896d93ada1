package s3test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Fault is a way to break one request.
type Fault int

// The faults. A reset ends the TCP connection, and the client loses the answer or the rest of it. A reset before the
// request is forwarded leaves the request's body unread, too. A client that puts can then fail while it writes, which
// is another error.
const (
	Pass           Fault = iota // break nothing
	ResetBefore                 // reset before the request is forwarded
	ResetAfter                  // reset when the server has done what was asked
	Truncate                    // reset in the middle of the answer's body; an answer without one arrives
	Unavailable                 // 503 SlowDown, without asking the server
	Denied                      // 403 AccessDenied, without asking the server
	NotImplemented              // 501 NotImplemented to a request with If-None-Match; others pass
	StripCondition              // forward without If-None-Match, as if the server did not know it
	Slow                        // forward after a delay
)

// Slowness is the delay of [Slow].
const Slowness = 50 * time.Millisecond

// refuse ends a request that must not reach the server, and reports whether it has ended the request.
func (f Fault) refuse(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f == ResetBefore:
		reset(w)
	case f == Unavailable:
		sayNo(w, r, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case f == Denied:
		sayNo(w, r, http.StatusForbidden, "AccessDenied", "Access Denied.")
	case f == NotImplemented && r.Header.Get("If-None-Match") != "":
		sayNo(w, r, http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
	default:
		return false
	}
	return true
}

// answer gives the server's answer to the client, or breaks it.
func (f Fault) answer(w http.ResponseWriter, response *http.Response, body []byte) {
	switch f {
	case ResetAfter:
		reset(w)
	case Truncate:
		send(w, response, body[:len(body)/2], len(body))
		http.NewResponseController(w).Flush()
		reset(w)
	default:
		send(w, response, body, len(body))
	}
}

// reset ends the connection so that the client's kernel sees a reset, not an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("s3test: internal error: " + err.Error()) // HTTP/1 connections can be had
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// sayNo answers with an error of S3. It reads the request's body first, because a client that still writes would see a
// reset instead.
func sayNo(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
