package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/pipe"
	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
	"firn/store/wire"
)

// doer is a client of HTTP.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// carrier sends requests by a client.
type carrier struct{ client doer }

// Carry sends a request.
func (c carrier) Carry(r *http.Request, read func(*http.Response) error) error {
	answer, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %v", store.ErrUnreachable, err)
	}
	defer answer.Body.Close()
	return read(answer)
}

// patience is long enough for one more try.
const patience = time.Millisecond

// overPipes returns a client of a handler at the other end of two pipes.
func overPipes(t testing.TB, handler http.Handler) *wire.Store {
	t.Helper()
	in, toServer, err := os.Pipe()
	fromServer, out, err2 := os.Pipe()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	greeting := pipe.Greeting{Service: "store", Protocol: wire.Protocol}
	ended := make(chan error, 1)
	go func() { ended <- pipe.Serve(context.Background(), in, out, greeting, handler) }()
	client, err := pipe.Dial(ends{fromServer, toServer}, greeting)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return wire.New(wire.Options{Carrier: carrier{client}, URL: "http://" + pipe.Host, Location: "there", Patience: patience})
}

// ends are the client's ends of two pipes.
type ends struct{ from, to *os.File }

func (e ends) Read(p []byte) (int, error)  { return e.from.Read(p) }
func (e ends) Write(p []byte) (int, error) { return e.to.Write(p) }
func (e ends) Close() error                { return errors.Join(e.to.Close(), e.from.Close()) }

// overNet returns a client of a handler behind a server on a port.
func overNet(t testing.TB, handler http.Handler) *wire.Store {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return wire.New(wire.Options{Carrier: carrier{server.Client()}, URL: server.URL, Location: "there", Patience: patience})
}

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("Pipes", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) store.Store { return overPipes(t, wire.NewHandler(mem.New(), wire.Rules{})) })
	})
	t.Run("Net", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) store.Store { return overNet(t, wire.NewHandler(mem.New(), wire.Rules{})) })
	})
}

// failing is a store whose calls all fail with an error.
type failing struct{ err error }

func (f failing) Put(context.Context, string, []byte) error                 { return f.err }
func (f failing) Get(context.Context, string, int64, int64) ([]byte, error) { return nil, f.err }
func (f failing) Delete(context.Context, ...string) error                   { return f.err }
func (f failing) Clean(context.Context, time.Time) (int, error)             { return 0, f.err }
func (f failing) List(context.Context, string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		if yield(store.Object{Name: "meta/a"}, nil) {
			yield(store.Object{}, f.err)
		}
	}
}

// TestErrors has each error of a store travel.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, want := range []error{fs.ErrExist, fs.ErrNotExist, io.ErrUnexpectedEOF, store.ErrTooLarge, store.ErrNoSpace, store.ErrDenied, fs.ErrPermission,
		errors.ErrUnsupported, wire.ErrFailed, store.ErrUnreachable} {
		told := fmt.Errorf("its words: %w", want)
		if want == wire.ErrFailed {
			told = errors.New("its words: the disk is broken")
		}
		s := overNet(t, wire.NewHandler(failing{told}, wire.Rules{}))
		for call, err := range allCalls(t.Context(), s) {
			if !errors.Is(err, want) || !strings.Contains(err.Error(), "its words") || !strings.Contains(err.Error(), "there") {
				t.Errorf("%s: got %v, want %v", call, err, want)
			}
			for _, other := range []error{fs.ErrExist, fs.ErrNotExist, io.ErrUnexpectedEOF, store.ErrNoSpace} {
				if other != want && errors.Is(err, other) {
					t.Errorf("%s: %v matches %v, too", call, err, other)
				}
			}
		}
	}
}

// allCalls returns the errors of all calls.
func allCalls(ctx context.Context, s *wire.Store) map[string]error {
	errs := map[string]error{"put": s.Put(ctx, "meta/a", nil), "delete": s.Delete(ctx, "meta/a")}
	_, errs["get"] = s.Get(ctx, "meta/a", 0, -1)
	_, errs["clean"] = s.Clean(ctx, time.Now())
	for _, err := range s.List(ctx, "") {
		errs["list"] = err
	}
	return errs
}

// TestFaults breaks the store behind the handler at each call.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		inner := mem.New()
		faulty := storetest.NewFaulty(inner, storetest.Fault{At: 2, Kind: kind})
		s := overPipes(t, wire.NewHandler(faulty, wire.Rules{}))
		ctx := t.Context()
		if kind == storetest.Slow {
			ctx = faulty.Context(ctx)
		}
		if err := s.Put(ctx, "meta/a", []byte("a")); err != nil {
			t.Fatal(err)
		}
		err := s.Put(ctx, "meta/b", []byte("b"))
		if !errors.Is(err, wire.ErrFailed) && !(kind == storetest.Slow && errors.Is(err, context.Canceled)) {
			t.Errorf("%s: got %v, want %v", kind, err, wire.ErrFailed)
		}
		if got, err := inner.Get(t.Context(), "meta/a", 0, -1); err != nil || string(got) != "a" {
			t.Errorf("%s: got %q, %v of the first object", kind, got, err)
		}
	}
}

// TestRequests counts the requests of each call.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := overPipes(t, wire.NewHandler(mem.New(), wire.Rules{}))
	var names []string
	for i := range 1500 {
		names = append(names, fmt.Sprintf("meta/%d", i))
	}
	errs := errors.Join(s.Put(t.Context(), "meta/a", []byte("abc")), s.Delete(t.Context()), s.Delete(t.Context(), names...), s.Create(t.Context()))
	_, err := s.Get(t.Context(), "meta/a", 1, 1)
	for _, listErr := range s.List(t.Context(), "") {
		errs = errors.Join(errs, listErr)
	}
	if errs = errors.Join(errs, err); errs != nil {
		t.Fatal(errs)
	}
	if got, want := s.Traffic(), (store.Traffic{Puts: 1, Gets: 1, Lists: 1, Deletes: 2, Others: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// lossy does what is asked for, and loses the first answer.
type lossy struct {
	carrier
	lost bool
}

// Carry sends a request.
func (l *lossy) Carry(r *http.Request, read func(*http.Response) error) error {
	err := l.carrier.Carry(r, read)
	if !l.lost {
		l.lost = true
		return fmt.Errorf("%w: the answer is lost", store.ErrUnreachable)
	}
	return err
}

// TestLostAnswer repeats a put whose answer was lost. The object is its own, or another writer's.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	server := httptest.NewServer(wire.NewHandler(inner, wire.Rules{}))
	defer server.Close()
	put := func(name string) error {
		s := wire.New(wire.Options{Carrier: &lossy{carrier: carrier{server.Client()}}, URL: server.URL, Patience: time.Hour})
		return s.Put(t.Context(), name, []byte("mine"))
	}
	if err := errors.Join(inner.Put(t.Context(), "meta/b", []byte("yours")), put("meta/a")); err != nil {
		t.Error(err)
	}
	if err := put("meta/b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want %v", err, fs.ErrExist)
	}
}

// TestListing reads listings that no firn writes.
func TestListing(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"meta/a 1 2\nend 1\n":               nil,
		"end 0\n":                           nil,
		"end 1 2\nend 1\n":                  nil,
		"problem 1 2\nend 1\n":              nil,
		"":                                  store.ErrUnreachable,
		"meta/a 1 2\n":                      store.ErrUnreachable,
		"meta/a 1 2\nend 1":                 store.ErrUnreachable,
		"meta/a 1 2\nend 2\n":               wire.ErrAnswer,
		"meta/b 1 2\nmeta/a 1 2\nend 2\n":   wire.ErrAnswer,
		"meta/a 1 2\nmeta/a 1 2\nend 2\n":   wire.ErrAnswer,
		"../a 1 2\nend 1\n":                 wire.ErrAnswer,
		"meta/a -1 2\nend 1\n":              wire.ErrAnswer,
		"meta/a 1\nend 1\n":                 wire.ErrAnswer,
		strings.Repeat("a", 100_000):        wire.ErrAnswer,
		"<html>\n":                          wire.ErrAnswer,
		`problem {"code":"denied"}` + "\n":  store.ErrDenied,
		`problem {"code":"unheard"}` + "\n": wire.ErrAnswer,
	} {
		s := overNet(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		var last error
		for _, err := range s.List(t.Context(), "") {
			last = err
		}
		if !errors.Is(last, want) {
			t.Errorf("%.50q: got %v, want %v", body, last, want)
		}
	}
}

// TestForeignServer asks a server that is not firn's.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	s := overNet(t, http.NotFoundHandler())
	for call, err := range allCalls(t.Context(), s) {
		if !errors.Is(err, wire.ErrAnswer) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want %v", call, err, wire.ErrAnswer)
		}
	}
	s = overNet(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	for _, r := range [][2]int64{{0, -1}, {0, 5}, {0, 4}, {-4, -1}, {0, store.AtMost(4)}} {
		if got, err := s.Get(t.Context(), "meta/a", r[0], r[1]); err == nil {
			t.Errorf("get %v: got %q of a body without a checksum", r, got)
		}
	}
}

// TestMissingPlace has a folder that is not there: a listing says so, and a get does not look like that of a missing object.
func TestMissingPlace(t *testing.T) {
	t.Parallel()
	s := overNet(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { wire.Fail(w, wire.ErrNoPlace) }))
	for call, err := range allCalls(t.Context(), s) {
		if !errors.Is(err, wire.ErrNoPlace) || errors.Is(err, fs.ErrNotExist) != (call == "list") {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

// FuzzAnswer feeds a client with anything.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte("meta/a 1 2\nend 1\n"), "")
	f.Add(409, []byte(`{"code":"exists","message":"\u001b[2J"}`), "x")
	f.Fuzz(func(t *testing.T, status int, body []byte, sum string) {
		s := wire.New(wire.Options{URL: "http://x", Patience: patience, Carrier: fixed(func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{"Firn-Sha256": {sum}}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(string(body)))}
		})})
		for call, err := range allCalls(t.Context(), s) {
			if err != nil && (len(err.Error()) > 5000 || slices.Contains([]byte(err.Error()), 0x1b)) {
				t.Errorf("%s: got %q", call, err)
			}
		}
	})
}

// fixed gives the same answer to all requests.
type fixed func() *http.Response

// Carry gives the answer.
func (f fixed) Carry(_ *http.Request, read func(*http.Response) error) error { return read(f()) }
