package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"firn/store"
)

// Carrier brings requests to a [Handler].
type Carrier interface {
	// Carry sends a request and calls read with the answer, whose body it closes. It makes a new connection if there is
	// none. The error is that of read, or that of the connection. The latter matches [store.ErrUnreachable], if another try may
	// succeed, or else an error that says what a person has to repair. It never matches [io.ErrUnexpectedEOF],
	// [io/fs.ErrExist] or [io/fs.ErrNotExist].
	Carry(r *http.Request, read func(*http.Response) error) error
}

// Options say how to reach a handler.
type Options struct {
	Carrier  Carrier
	URL      string        // of the handler, without a slash at the end
	Location string        // of the place, for messages
	Place    string        // that is asked for; "" if the handler has only one
	Patience time.Duration // how long a failing request is repeated; zero means 2 minutes
}

const (
	defaultPatience = 2 * time.Minute
	// firstPatience is the patience before any request was answered: the place is then probably wrong, and a user is waiting
	// for the message.
	firstPatience = 8 * time.Second
	// listWait is how long a listing may take.
	listWait = time.Hour
)

// Store is a [store.Store] at the other side of a [Carrier]. Make one with [New].
type Store struct {
	opts     Options
	answered atomic.Bool

	lists, puts, gets, deletes, others atomic.Int64
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
	_ store.Spacer  = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
)

// New returns the store. It sends no request.
func New(opts Options) *Store { return &Store{opts: opts} }

// Put sends the object with one request.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	if err := store.CheckName(name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	header := http.Header{headerSum: {sumOf(data)}}
	err := s.retry(ctx, func() error {
		defer header.Set(headerAgain, "1") // this request's answer may be lost
		return s.do(ctx, call{method: http.MethodPut, path: pathObject + name, body: data, header: header, counter: &s.puts}, nil)
	})
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.opts.Location, err)
	}
	return nil
}

// Get reads a part of the object with one request.
func (s *Store) Get(ctx context.Context, name string, off, length int64) (data []byte, err error) {
	if err := store.CheckName(name); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	query := url.Values{"off": {strconv.FormatInt(off, 10)}, "len": {strconv.FormatInt(length, 10)}}
	err = s.retry(ctx, func() error {
		return s.do(ctx, call{method: http.MethodGet, path: pathObject + name, query: query, counter: &s.gets, most: mostBytes(off, length)}, func(answer *http.Response) (err error) {
			data, err = readPart(answer, off, length)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("get %s from %s: %w", name, s.opts.Location, err)
	}
	return data, nil
}

// readPart reads the part of an object, which has the length and the checksum that the answer says.
func readPart(answer *http.Response, off, length int64) ([]byte, error) {
	size := answer.ContentLength
	if size < 0 || size > mostBytes(off, length) || off >= 0 && length >= 0 && size != length {
		return nil, fmt.Errorf("%w: %d bytes", ErrAnswer, size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(answer.Body, data); err != nil {
		return nil, cut(err)
	}
	if sumOf(data) != answer.Header.Get(headerSum) {
		return nil, errChecksum
	}
	return data, nil
}

// Delete removes the objects, a thousand with a request.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	for len(names) > 0 {
		n := batch(names)
		body := []byte(strings.Join(names[:n], "\n"))
		err := s.retry(ctx, func() error {
			return s.do(ctx, call{method: http.MethodPost, path: pathDelete, body: body, counter: &s.deletes}, nil)
		})
		if err != nil {
			return fmt.Errorf("delete from %s: %w", s.opts.Location, err)
		}
		names = names[n:]
	}
	return nil
}

// batch returns how many names go into one request.
func batch(names []string) (n int) {
	for size := 0; n < min(len(names), mostNames); n++ {
		if size += len(names[n]) + 1; size > mostNameList && n > 0 {
			return n
		}
	}
	return n
}

// Clean removes temporary files on the other side.
func (s *Store) Clean(ctx context.Context, olderThan time.Time) (n int, err error) {
	query := url.Values{"before": {strconv.FormatInt(olderThan.UnixNano(), 10)}}
	err = s.ask(ctx, call{method: http.MethodPost, path: pathClean, query: query}, &n)
	if err != nil {
		return 0, fmt.Errorf("clean %s: %w", s.opts.Location, err)
	}
	return n, nil
}

// Space returns the room of the place.
func (s *Store) Space(ctx context.Context) (room store.Space, err error) {
	if err := s.ask(ctx, call{method: http.MethodGet, path: pathSpace}, &room); err != nil {
		return store.Space{}, fmt.Errorf("space of %s: %w", s.opts.Location, err)
	}
	return room, nil
}

// Create makes the folder of the place.
func (s *Store) Create(ctx context.Context) error {
	if err := s.ask(ctx, call{method: http.MethodPost, path: PathCreate}, nil); err != nil {
		return fmt.Errorf("make folder %s: %w", s.opts.Location, err)
	}
	return nil
}

// ask makes a call whose answer is a JSON value, and reads that into result.
func (s *Store) ask(ctx context.Context, c call, result any) error {
	c.counter = &s.others
	return s.retry(ctx, func() error {
		return s.do(ctx, c, func(answer *http.Response) error {
			if result == nil {
				return nil
			}
			b, err := io.ReadAll(io.LimitReader(answer.Body, mostProblem))
			if err != nil {
				return cut(err)
			}
			if err := json.Unmarshal(b, result); err != nil {
				return fmt.Errorf("%w: %v", ErrAnswer, err)
			}
			return nil
		})
	})
}

// Traffic returns the number of requests so far, repeated ones included. It knows no bytes.
func (s *Store) Traffic() store.Traffic {
	return store.Traffic{
		Lists: s.lists.Load(), Puts: s.puts.Load(), Gets: s.gets.Load(), Deletes: s.deletes.Load(), Others: s.others.Load(),
	}
}

// call is one request.
type call struct {
	method, path string
	query        url.Values
	body         []byte
	header       http.Header
	counter      *atomic.Int64
	most         int64         // bytes that the answer may have
	wait         time.Duration // for the answer; 0 for the time that so many bytes may take
}

// do makes a call once. It calls read with an answer that is no error.
func (s *Store) do(ctx context.Context, c call, read func(*http.Response) error) error {
	if c.wait == 0 {
		c.wait = 10*grace + allowance(c.most+int64(len(c.body)))
	}
	timed, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	r, err := s.request(timed, c)
	if err != nil {
		return err
	}
	c.counter.Add(1)
	err = s.opts.Carrier.Carry(r, func(answer *http.Response) error {
		s.answered.Store(true)
		if answer.StatusCode < 200 || answer.StatusCode > 299 {
			return readProblem(answer)
		}
		if read == nil {
			return nil
		}
		return read(answer)
	})
	if err != nil && timed.Err() != nil && ctx.Err() == nil {
		return cut(errors.New("it takes too long"))
	}
	return err
}

func (s *Store) request(ctx context.Context, c call) (*http.Request, error) {
	target := s.opts.URL + c.path
	if len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, c.method, target, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	if c.header != nil {
		r.Header = c.header.Clone()
	}
	if s.opts.Place != "" {
		r.Header.Set(HeaderPlace, url.PathEscape(s.opts.Place))
	}
	return r, nil
}
