package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"firn/store"
)

const (
	// minRate is the lowest accepted rate, in bytes a second: the sum of both directions and
	// of all requests under way, as long as there are any. A line of 10 KB/s exceeds it by
	// far.
	minRate = 1 << 10
	// firstWait is how long an answer may be slower than minRate if the server has never
	// answered before: a user is then probably waiting for the message. After the first
	// answer the limit is idleWait.
	firstWait = 15 * time.Second
	// maxHeader limits the headers of an answer, in bytes.
	maxHeader = 256 << 10
	// maxText limits the bytes of an answer that is not an object. The largest is a page of
	// a listing: it has 1000 keys of up to 1024 bytes, each byte of which may be written as
	// 3, and little else.
	maxText = 16 << 20
)

var (
	errSlow = fmt.Errorf("the server sends less than %d bytes a second", minRate)
	errLong = fmt.Errorf("%w: its answer is longer than S3 allows", store.ErrProtocol)
)

// guard ends requests that do not come to an end, and answers that are too long to be
// anything but an object. It is needed because the server is authenticated by its
// certificate at most, and may be hostile.
type guard struct {
	next     http.RoundTripper
	moved    func() int64 // bytes so far, in all requests
	answered func() bool  // whether the server has ever answered

	wait, firstWait time.Duration
	least           int64 // bytes a second
}

func newGuard(next http.RoundTripper, t *traffic, opts Options) *guard {
	g := &guard{next: next, moved: t.moved, answered: t.answered.Load, wait: opts.idle(), firstWait: firstWait, least: minRate}
	for _, limit := range []int64{opts.UploadLimit, opts.DownloadLimit} {
		if limit > 0 { // a limit below minRate would end every request
			g.least = min(g.least, limit/2)
		}
	}
	return g
}

// RoundTrip makes a request, and watches it until its answer is closed.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := countPage(r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &watch{guard: g, cancel: cancel}
	w.start(g.wait)
	begun := &httptrace.ClientTrace{GotFirstResponseByte: func() { // a server can send headers slowly, too
		if !g.answered() {
			w.start(g.firstWait)
		}
	}}
	answer, err := g.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, begun)))
	if err != nil {
		w.stop()
		return nil, w.explain(err)
	}
	body := &watchedBody{ReadCloser: answer.Body, watch: w, left: maxText}
	if r.Method == http.MethodGet && answer.StatusCode/100 == 2 && !r.URL.Query().Has("list-type") {
		body.left = -1 // an object: its reader limits its length
	}
	answer.Body = body
	return answer, nil
}

// watch ends a request when too few bytes have moved.
type watch struct {
	guard  *guard
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	round int // number of the current check; the timer of an earlier one does nothing
	slow  bool

	stopped bool
}

// start checks the rate once in every period from now on.
func (w *watch) start(every time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.next(every)
	}
}

// next sets the time of the next check. The caller holds the lock.
func (w *watch) next(every time.Duration) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.round++
	round, seen := w.round, w.guard.moved()
	w.timer = time.AfterFunc(every, func() { w.check(round, seen, every) })
}

func (w *watch) check(round int, seen int64, every time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped || round != w.round:
	case float64(w.guard.moved()-seen) < every.Seconds()*float64(w.guard.least):
		w.slow = true
		w.cancel(errSlow)
	default:
		w.next(every)
	}
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.stopped = true
	w.cancel(nil)
}

// explain returns errSlow in place of err if the watch has ended the request.
func (w *watch) explain(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slow {
		return errSlow
	}
	return err
}

// watchedBody is an answer that is being read.
type watchedBody struct {
	io.ReadCloser
	watch *watch
	left  int64 // bytes that may still come; below zero for any number
}

// Read returns errLong when the allowed bytes are used up.
func (b *watchedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errLong
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		err = b.watch.explain(err)
	}
	return n, err
}

// Close ends the watch.
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.watch.stop()
	return err
}
