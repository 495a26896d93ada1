package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"firn/store"
)

// List reads the whole listing with one request before it yields the first object. A listing that breaks off is asked for
// again from its beginning: two halves of different times could show an object, and not one that came before it.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		objects, err := s.list(ctx, prefix)
		if errors.Is(err, ErrNoPlace) {
			err = missingPlace{err}
		}
		if err != nil {
			yield(store.Object{}, fmt.Errorf("list %q in %s: %w", prefix, s.opts.Location, err))
			return
		}
		for _, o := range objects {
			if err := ctx.Err(); err != nil {
				yield(store.Object{}, fmt.Errorf("list %q in %s: %w", prefix, s.opts.Location, err))
				return
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// missingPlace is the error of a listing in a folder that is missing.
type missingPlace struct{ error }

// Unwrap returns the error, and the one that a listing promises.
func (m missingPlace) Unwrap() []error { return []error{m.error, fs.ErrNotExist} }

func (s *Store) list(ctx context.Context, prefix string) (objects []store.Object, err error) {
	if err := store.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	c := call{method: http.MethodGet, path: pathList, query: url.Values{"prefix": {prefix}}, counter: &s.lists, wait: listWait}
	err = s.retry(ctx, func() error {
		return s.do(ctx, c, func(answer *http.Response) (err error) {
			objects, err = readListing(answer.Body, prefix)
			return err
		})
	})
	return objects, err
}

// errListing is returned for a listing that is none.
var errListing = fmt.Errorf("%w: its listing", ErrAnswer)

// readListing reads the lines of a listing up to its last line.
func readListing(body io.Reader, prefix string) (objects []store.Object, err error) {
	lines := bufio.NewReaderSize(body, mostLine)
	for len(objects) <= mostListed {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("%w has a line without an end", errListing)
		}
		if err != nil {
			return nil, cut(err)
		}
		text := string(line[:len(line)-1])
		if word, rest, _ := strings.Cut(text, " "); word == "end" || word == "problem" {
			if done, err := endOfListing(word, rest, len(objects)); done {
				return objects, err
			}
		}
		o, ok := parseObject(text)
		if !ok || !strings.HasPrefix(o.Name, prefix) || len(objects) > 0 && o.Name <= objects[len(objects)-1].Name {
			return nil, fmt.Errorf("%w has %.200q", errListing, text)
		}
		objects = append(objects, o)
	}
	return nil, fmt.Errorf("%w does not end", errListing)
}

// endOfListing reads what may be the last line. An object could have the name "end", too, and then has two more words.
func endOfListing(word, rest string, count int) (done bool, err error) {
	if word == "problem" && strings.HasPrefix(rest, "{") {
		return true, parseProblem([]byte(rest), "of a listing")
	}
	if word != "end" || strings.Contains(rest, " ") {
		return false, nil
	}
	if rest != strconv.Itoa(count) {
		return true, fmt.Errorf("%w has %d objects and not %.20q", errListing, count, rest)
	}
	return true, nil
}

// parseObject reads the line of an object.
func parseObject(line string) (o store.Object, ok bool) {
	words := strings.Split(line, " ")
	if len(words) != 3 || store.CheckName(words[0]) != nil {
		return store.Object{}, false
	}
	size, sizeErr := strconv.ParseInt(words[1], 10, 64)
	nanoseconds, timeErr := strconv.ParseInt(words[2], 10, 64)
	if sizeErr != nil || timeErr != nil || size < 0 {
		return store.Object{}, false
	}
	return store.Object{Name: words[0], Size: size, Time: time.Unix(0, nanoseconds)}, true
}
