package pull

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// exchange is a stream of frames to an agent and back.
type exchange struct {
	*Stream
	conn   Connection
	up     *io.PipeWriter
	down   io.ReadCloser
	cancel context.CancelFunc
	ctx    context.Context // of the exchange, which ends with cancel
	free   func()

	reading sync.Mutex // held while a frame is being awaited
}

// exchange begins a stream of frames. The caller closes it.
func (h *Host) exchange(ctx context.Context, path string) (*exchange, error) {
	free, err := h.turn(ctx)
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	inner, cancel := context.WithCancel(ctx)
	answer, conn, err := h.send(inner, path, read)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = refusal(answer, conn)
	}
	if err != nil {
		cancel()
		free()
		return nil, err
	}
	return &exchange{
		Stream: NewStream(answer.Body, write, nil), conn: conn, up: write, down: answer.Body, cancel: cancel, ctx: inner,
		free: free,
	}, nil
}

// refusal returns the error that an answer is, and closes it.
func refusal(answer *http.Response, conn Connection) error {
	defer answer.Body.Close()
	var text []byte
	_ = conn.Await(nil, func() (err error) { text, err = io.ReadAll(io.LimitReader(answer.Body, mostAnswer)); return err })
	return failureIn(text) // a text that has ended early is none
}

// send writes a frame. It waits for as long as the agent is alive. An agent that takes no more frames may have said why: its
// failure is the error then.
func (e *exchange) send(kind Kind, content []byte) error {
	err := e.conn.Await(nil, func() error { return e.Write(kind, content) })
	if err == nil {
		return nil
	}
	for err = nil; err == nil; {
		_, _, err = e.next()
	}
	return err
}

// sendJSON writes a frame with a value as JSON, as send does.
func (e *exchange) sendJSON(kind Kind, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return e.send(kind, b)
}

// sendRanges writes ranges of bytes, as send does.
func (e *exchange) sendRanges(more, last Kind, ranges [][2]int64, pageSize int64) error {
	return writeRanges(e.send, more, last, ranges, pageSize)
}

// next returns the next frame but for beats. The agent's failure is an error.
func (e *exchange) next() (kind Kind, content []byte, err error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	for kind == 0 || kind == Beat {
		err = e.conn.Await(nil, func() (err error) { kind, content, err = e.Next(); return err })
		if err != nil {
			return 0, nil, e.explain(err)
		}
	}
	if kind == Failed {
		return 0, nil, failureIn(content)
	}
	return kind, content, nil
}

// expect returns the content of the next frame, which must be of a kind.
func (e *exchange) expect(want Kind) ([]byte, error) {
	kind, content, err := e.next()
	if err == nil && kind != want {
		err = unexpected(kind)
	}
	return content, err
}

// explain returns the error of the connection with its cause.
func (e *exchange) explain(err error) error {
	if e.ctx.Err() != nil {
		return context.Cause(e.ctx)
	}
	return e.conn.Explain(err)
}

// closingTime is how long the agent may take to close an image.
const closingTime = 5 * time.Second

// close ends the exchange, and waits until the agent has closed the image: a database can be opened by its follower once at a
// time.
func (e *exchange) close() {
	_ = e.up.Close()
	if e.reading.TryLock() { // else a frame is being awaited, and the exchange is given up
		timer := time.AfterFunc(closingTime, e.cancel)
		_, _ = io.Copy(io.Discard, e.down)
		timer.Stop()
		e.reading.Unlock()
	}
	e.cancel()
	_ = e.down.Close()
	if e.free != nil {
		e.free()
		e.free = nil
	}
}
