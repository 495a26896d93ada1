package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"firn/crypt"
	"firn/pull"
	"firn/site"
	"firn/snapshot"
)

const (
	// beatEvery is the time between two signs that the agent is at work. The puller's patience is a minute.
	beatEvery = 10 * time.Second
	// idleTime is how long a puller may say nothing while it has an image open, unless the options say it.
	idleTime = 2 * time.Minute
	// writeTime is how long a puller may take nothing of what is sent.
	writeTime = 10 * time.Minute

	pieceSize = 256 << 10 // bytes of pages in one frame
	hashPiece = 4096      // hashes in one frame
	mostPrint = 4 << 10   // bytes of a fingerprint
)

// frames is a stream of frames that an agent answers.
type frames struct {
	*pull.Stream
	control *http.ResponseController
}

// newFrames begins the answer to a request, whose two bodies are streams of frames.
func newFrames(w http.ResponseWriter, r *http.Request) *frames {
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = control.Flush() // the puller waits for the beginning of the answer before it asks
	return &frames{pull.NewStream(r.Body, w, func() error {
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		return control.Flush()
	}), control}
}

// beat tells the puller again and again that the agent is alive, until the returned function is called.
func (f *frames) beat() (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				_ = f.Write(pull.Beat, nil)
			}
		}
	}()
	return func() { close(ended); <-stopped }
}

// next waits for the puller's next frame, for some time at most; 0 is no limit.
func (f *frames) next(patience time.Duration) (pull.Kind, []byte, error) {
	var deadline time.Time
	if patience > 0 {
		deadline = time.Now().Add(patience)
	}
	_ = f.control.SetReadDeadline(deadline)
	kind, content, err := f.Next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("firn on the other host has said nothing for %s", patience)
	}
	return kind, content, err
}

// image answers a stream of frames about one image, which stays open until the stream ends.
func (a *Agent) image(w http.ResponseWriter, r *http.Request) {
	x := &exchange{frames: newFrames(w, r), agent: a}
	stop := x.beat()
	defer stop()
	err := site.Caught(func() error { return x.run(r.Context()) })
	if x.opened != nil {
		err = errors.Join(err, x.opened.Close())
	}
	if err != nil {
		_ = x.WriteJSON(pull.Failed, pull.FailureOf(err)) // a lost connection shows at the other end
	}
}

// exchange is the reading of one image.
type exchange struct {
	*frames
	agent   *Agent
	request pull.OpenRequest
	id      int64
	opened  site.Image // nil before it is open
	wanted  *pull.RangeReader
	ended   bool // all wanted pages were sent: nothing is held up any more
}

// run answers frames until the puller ends the stream.
func (x *exchange) run(ctx context.Context) error {
	kind, content, err := x.next(x.agent.o.Patience)
	if err != nil {
		return err
	}
	if kind != pull.Open || json.Unmarshal(content, &x.request) != nil {
		return fmt.Errorf("%w: an image is opened first", pull.ErrRequest)
	}
	if x.opened, err = x.agent.open(ctx, x.request); err != nil {
		return err
	}
	x.id = x.agent.taken(x.request, x.opened)
	if err := x.describe(); err != nil {
		return err
	}
	for {
		patience := x.agent.o.Patience
		if x.ended {
			patience = 0
		}
		kind, content, err := x.next(patience)
		if err == io.EOF || ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = x.answer(kind, content)
		}
		if err != nil {
			return err
		}
	}
}

// describe sends the description of the image.
func (x *exchange) describe() error {
	return x.WriteJSON(pull.Opened, described(x.opened, x.id))
}

// answer answers one frame.
func (x *exchange) answer(kind pull.Kind, content []byte) error {
	switch kind {
	case pull.Changes:
		return x.changes(content)
	case pull.Hash:
		return x.hash(content)
	case pull.Wanted, pull.Read:
		if x.wanted == nil {
			d := x.opened.Describe()
			x.wanted = pull.NewRangeReader(int64(d.PageSize), d.Size)
		}
		if err := x.wanted.Add(content); err != nil || kind == pull.Wanted {
			return err
		}
		return x.send(x.wanted.Ranges())
	case pull.ReadAll:
		return x.sendAll()
	}
	return fmt.Errorf("%w: a frame %q", pull.ErrRequest, rune(kind))
}

// changes says which pages have changed since a fingerprint, if that is known.
func (x *exchange) changes(print []byte) error {
	if len(print) > mostPrint {
		return fmt.Errorf("%w: a fingerprint of %d bytes", pull.ErrRequest, len(print))
	}
	since := &snapshot.Snapshot{Images: []snapshot.Image{{Fingerprint: json.RawMessage(bytes.Clone(print))}}}
	ranges, known := x.opened.Changed(since)
	if !known {
		return x.Write(pull.Unknown, nil)
	}
	d := x.opened.Describe()
	return x.WriteRanges(pull.Ranges, pull.Known, within(ranges, d.Size), int64(d.PageSize))
}

// within cuts ranges off at the end of an image: the last one of [site.Image] has no end.
func within(ranges [][2]int64, size int64) (cut [][2]int64) {
	for _, r := range ranges {
		if r[0] < size {
			cut = append(cut, [2]int64{r[0], min(r[1], size)})
		}
	}
	return cut
}

// hash describes the image and sends the hash of each page. A database with a rollback journal is copied before its first page,
// and the copy may be of a later state than was described when it was opened.
func (x *exchange) hash(content []byte) error { return x.hashBy(content, x.opened.Scan) }

// hashBy is hash with a function that hands all pages to another one.
func (x *exchange) hashBy(content []byte, scan func(observe func(page []byte) error) error) error {
	var key crypt.PageKey
	if len(content) != len(key) {
		return fmt.Errorf("%w: a key of %d bytes", pull.ErrRequest, len(content))
	}
	copy(key[:], content)
	hasher := crypt.NewPageHasher(key)
	piece := make([]byte, 0, hashPiece*crypt.PageHashSize)
	settled := false
	err := scan(func(page []byte) error {
		if !settled {
			settled = true
			if err := x.describe(); err != nil {
				return err
			}
		}
		sum := hasher.Sum(page)
		if piece = append(piece, sum[:]...); len(piece) < cap(piece) {
			return nil
		}
		defer func() { piece = piece[:0] }()
		return x.Write(pull.Hashes, piece)
	})
	if err == nil && len(piece) > 0 {
		err = x.Write(pull.Hashes, piece)
	}
	if err != nil {
		return err
	}
	return x.Write(pull.Hashed, nil)
}

// pass reads the pages of the image once, for hashBy. It needs no copy of a database that holds up its application meanwhile, as a scan does
// after which the image can still be read.
func (x *exchange) pass(observe func(page []byte) error) error {
	page := make([]byte, x.opened.Describe().PageSize)
	for {
		_, err := io.ReadFull(x.opened, page)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = observe(page)
		}
		if err != nil {
			return err
		}
	}
}
