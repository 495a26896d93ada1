package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// farEnd is an offset, in bytes, that no object reaches.
const farEnd = 1 << 43

// errShort is returned for objects that are too short. An io.ErrUnexpectedEOF of the
// network is another error, which says nothing about the object.
var errShort = fmt.Errorf("it is too short: %w", io.ErrUnexpectedEOF)

// Get reads a part of the object with one request. S3 has no requests for empty
// parts and for parts behind the object's end. For those Get asks for the object's
// size.
func (s *Store) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	data, err := s.get(ctx, name, off, length)
	if err != nil {
		return nil, fmt.Errorf("get %s from %s: %w", name, s.name(), err)
	}
	return data, nil
}

func (s *Store) get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if err := s.check(ctx, name); err != nil {
		return nil, err
	}
	return retry(ctx, s, func() ([]byte, error) {
		if off >= 0 && length == 0 {
			return s.getNothing(ctx, name, off, length)
		}
		data, err := s.fetch(ctx, name, off, length)
		if isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
			return s.getNothing(ctx, name, off, length)
		}
		return data, err
	})
}

// getNothing returns the result for ranges without bytes.
func (s *Store) getNothing(ctx context.Context, name string, off, length int64) ([]byte, error) {
	info, err := s.stat(ctx, name)
	if isMissing(err) { // the answer has no body, so it may be a proxy's
		if _, err = s.fetch(ctx, name, 0, 1); err == nil {
			err = retryable{errors.New("it was missing a moment ago")}
		}
	}
	if err != nil {
		return nil, err
	}
	from, to, err := store.Range(info.Size, off, length)
	if err != nil {
		return nil, errShort
	}
	if off < 0 && from == 0 && to > 0 { // rclone refuses a suffix longer than the object
		return s.fetch(ctx, name, 0, to)
	}
	if from != to {
		return nil, retryable{fmt.Errorf("the server refuses bytes %d to %d of %d", from, to, info.Size)}
	}
	return []byte{}, nil
}

// fetch makes the request and reads the answer.
func (s *Store) fetch(ctx context.Context, name string, off, length int64) ([]byte, error) {
	opts, err := rangeOf(off, length)
	if err != nil {
		return nil, err
	}
	body, info, header, err := s.core.GetObject(ctx, s.bucket, s.key(name), opts)
	if err != nil {
		return nil, absent(err)
	}
	if body == nil { // the client returns this for some unclear answers
		return nil, fmt.Errorf("%w: its answer has no object", store.ErrProtocol)
	}
	defer body.Close() // only read, and reading reports the errors
	most := answerMost(off, length, header.Get("Content-Range") == "")
	if info.Size > most { // known from the headers, before the body
		return nil, store.ErrTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		// The cause can match io.ErrUnexpectedEOF, which would mean an object that
		// is too short. So hide it.
		return nil, retryable{fmt.Errorf("the answer breaks off after %d bytes: %v", len(data), err)}
	case int64(len(data)) > most:
		return nil, store.ErrTooLarge
	case header.Get("Content-Range") == "": // the server ignores ranges and sends the whole object
		from, to, err := store.Range(int64(len(data)), off, length)
		if err != nil {
			return nil, errShort
		}
		return data[from:to:to], nil
	case off >= 0 && length > 0 && int64(len(data)) != length:
		return nil, errShort
	}
	return data, nil
}

// answerMost returns how many bytes of an answer are read: as many as were asked
// for, or up to [store.MaxObject] if the server sends the whole object instead of a
// part.
func answerMost(off, length int64, whole bool) int64 {
	switch {
	case whole && (off != 0 || length > 0):
		return store.MaxObject
	case off < 0:
		return min(-max(off, -farEnd), store.MaxObject)
	case length < 0:
		return min(store.Bound(length), farEnd)
	}
	return min(length, farEnd)
}

// rangeOf returns the options of a request for a part that is not empty.
func rangeOf(off, length int64) (opts minio.GetObjectOptions, err error) {
	switch {
	case off < 0:
		err = opts.SetRange(0, max(off, -farEnd))
	case off >= farEnd: // no object is that long; the server may not understand the number
		err = opts.SetRange(farEnd, farEnd)
	case length < 0 && off > 0:
		err = opts.SetRange(off, 0)
	case length > 0:
		err = opts.SetRange(off, off+min(length, farEnd)-1)
	}
	return opts, err
}

// absent turns the server's error for a missing object into fs.ErrNotExist.
func absent(err error) error {
	if saysMissing(err) {
		return fs.ErrNotExist
	}
	return err
}
