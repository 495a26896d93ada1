package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/store"
	"firn/store/mem"
	"firn/store/wire"
)

// attacked is a place that only grows, with two objects.
type attacked struct {
	inner   *mem.Store
	server  *httptest.Server
	mu      sync.Mutex
	refused []wire.Refusal
}

func attack(t testing.TB, rules wire.Rules) *attacked {
	t.Helper()
	a := &attacked{inner: mem.New()}
	rules.Refused = func(r wire.Refusal) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.refused = append(a.refused, r)
	}
	a.server = httptest.NewServer(wire.NewHandler(a.inner, rules))
	t.Cleanup(a.server.Close)
	for _, name := range []string{"config", "packs/00/aa"} {
		if err := a.inner.Put(t.Context(), name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// whole checks that nothing was lost, replaced or added.
func (a *attacked) whole(t *testing.T) {
	t.Helper()
	var names []string
	for o, err := range a.inner.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		b, err := a.inner.Get(t.Context(), o.Name, 0, -1)
		if err != nil || string(b) != o.Name {
			t.Errorf("%s: got %q, %v", o.Name, b, err)
		}
		names = append(names, o.Name)
	}
	if got := strings.Join(names, " "); got != "config packs/00/aa" {
		t.Errorf("got %s", got)
	}
}

// request is a request of an attacker.
type request struct {
	method, path string
	body         string
	length       int64 // that the header says; 0 for that of the body
	sum          string
	code         string // of the answer that is wanted
}

// sum returns a checksum as a header has it.
func sum(body string) string {
	s := sha256.Sum256([]byte(body))
	return hex.EncodeToString(s[:])
}

// send sends the request, and returns the code of the answer.
func (a *attacked) send(t *testing.T, q request) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), q.method, "http://x/", strings.NewReader(q.body))
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(q.path, "?")
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", a.server.Listener.Addr().String(), ""
	if q.body == "" {
		r.Body = http.NoBody
	}
	if q.length != 0 {
		r.ContentLength = q.length
	}
	r.Header.Set("Firn-Sha256", q.sum)
	answer, err := a.server.Client().Do(r)
	if err != nil {
		return "none"
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	var p struct{ Code string }
	if err := json.Unmarshal(b, &p); err != nil || answer.StatusCode < 400 {
		return fmt.Sprintf("%d", answer.StatusCode)
	}
	return p.Code
}

// TestAppendOnly attacks a place that only grows, in each way.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	a := attack(t, wire.Rules{AppendOnly: true})
	for _, q := range []request{
		{"POST", "/delete", "config\npacks/00/aa", 0, "", "denied"},
		{"POST", "/delete", "", 0, "", "denied"},
		{"POST", "/clean?before=9000000000000000000", "", 0, "", "denied"},
		{"PUT", "/object/config", "other", 0, sum("other"), "exists"},
		{"PUT", "/object/config", "", 0, sum(""), "exists"},
		{"DELETE", "/object/config", "", 0, "", "request"},
		{"POST", "/object/config", "x", 0, sum("x"), "request"},
		{"PATCH", "/object/config", "x", 0, sum("x"), "request"},
		{"MOVE", "/object/config", "", 0, "", "request"},
		{"PUT", "/object/../config", "x", 0, sum("x"), "request"},
		{"PUT", "/object//etc/passwd", "x", 0, sum("x"), "request"},
		{"PUT", "/object/.tmp/x", "x", 0, sum("x"), "request"},
		{"PUT", "/object/Config", "x", 0, sum("x"), "request"},
		{"PUT", "/object/", "x", 0, sum("x"), "request"},
		{"PUT", "/object/a\x1b[2J\nb", "x", 0, sum("x"), "request"},
		{"PUT", "/object/" + strings.Repeat("a/", 3000), "x", 0, sum("x"), "request"},
		{"PUT", "/object/new", "x", 0, "", "request"},
		{"PUT", "/object/new", "x", 0, sum("y"), "checksum"},
		{"PUT", "/object/new", "x", -1, sum("x"), "request"},
		{"PUT", "/object/new", "x", store.MaxObject + 1, sum("x"), "none too-large"},
		{"PUT", "/object/new", "x", math.MaxInt64, sum("x"), "none too-large"},
		{"PUT", "/object/new", "x", 5, sum("x"), "none"},
		{"GET", "/object/config?off=x&len=1", "", 0, "", "request"},
		{"GET", "/object/config?off=0&len=99999999999999999999", "", 0, "", "request"},
		{"GET", "/object/../x?off=0&len=1", "", 0, "", "request"},
		{"GET", "/list?prefix=../", "", 0, "", "request"},
		{"GET", "/", "", 0, "", "request"},
		{"PUT", "/config", "x", 0, sum("x"), "request"},
	} {
		if got := a.send(t, q); !strings.Contains(q.code, got) {
			t.Errorf("%s %.50q: got %s, want %s", q.method, q.path, got, q.code)
		}
	}
	a.whole(t)
	if len(a.refused) < 20 {
		t.Errorf("%d requests were reported as refused", len(a.refused))
	}
	for _, r := range a.refused {
		if strings.ContainsAny(r.Request, "\x1b\n") || len(r.Request) > 400 || r.Err == nil {
			t.Errorf("reported: %q, %v", r.Request, r.Err)
		}
	}
}

// TestDeletions refuses deletions that are none, where deleting is allowed.
func TestDeletions(t *testing.T) {
	t.Parallel()
	a := attack(t, wire.Rules{})
	for _, body := range []string{"config\n../x", "config\n\npacks/00/aa", strings.Repeat("a\n", 1001), strings.Repeat("a", 2<<20)} {
		if got := a.send(t, request{"POST", "/delete", body, 0, "", ""}); got != "request" {
			t.Errorf("%.20q: got %s", body, got)
		}
	}
	a.whole(t)
}

// TestEndless sends a body that has no end, and one that stops in the middle until the client gives up.
func TestEndless(t *testing.T) {
	t.Parallel()
	a := attack(t, wire.Rules{AppendOnly: true})
	for _, c := range []struct {
		length int64
		body   func(context.Context) io.Reader
	}{
		{-1, func(ctx context.Context) io.Reader { return endless{ctx} }},
		{1 << 20, func(ctx context.Context) io.Reader { return endless{ctx} }},
		{1 << 20, func(ctx context.Context) io.Reader { return io.MultiReader(strings.NewReader("half"), stalled{ctx}) }},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, a.server.URL+"/object/new", io.NopCloser(c.body(ctx)))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = c.length
		r.Header.Set("Firn-Sha256", sum(""))
		if answer, err := a.server.Client().Do(r); err == nil {
			if answer.Body.Close(); answer.StatusCode < 400 {
				t.Errorf("got %s for a body without an end", answer.Status)
			}
		}
		cancel()
	}
	a.whole(t)
}

// endless is a body that ends with its context alone.
type endless struct{ ctx context.Context }

func (e endless) Read(p []byte) (int, error) { return len(p), e.ctx.Err() }

// stalled is a body that does not come.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }

// quotaOf returns a quota for a store in memory.
func quotaOf(inner *mem.Store, most int64) *wire.Quota {
	return wire.NewQuota(most, func(ctx context.Context) (n int64, err error) {
		for o, err := range inner.List(ctx, "") {
			if err != nil {
				return 0, err
			}
			n += wire.Charge(o.Size)
		}
		return n, nil
	})
}

// TestQuota has many clients put at once. As many objects as fit are stored, and a deletion makes room.
func TestQuota(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	body := bytes.Repeat([]byte("x"), 10_000)
	quota := quotaOf(inner, 100_000)
	s := overPipes(t, wire.NewHandler(inner, wire.Rules{Quota: quota}))
	var stored, full int
	var mu sync.Mutex
	var putting sync.WaitGroup
	for i := range 40 {
		putting.Go(func() {
			err := s.Put(t.Context(), "packs/"+strconv.Itoa(i), body)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				stored++
			case errors.Is(err, store.ErrNoSpace) && strings.Contains(err.Error(), "quota"):
				full++
			default:
				t.Error(err)
			}
		})
	}
	putting.Wait()
	if stored != 10 || full != 30 {
		t.Errorf("got %d stored, %d refused, want 10 and 30", stored, full)
	}
	if room, err := s.Space(t.Context()); err != nil || room != (store.Space{Free: 0, Total: 100_000}) {
		t.Errorf("room: got %+v, %v", room, err)
	}
	for o := range s.List(t.Context(), "") {
		if err := s.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := s.Put(t.Context(), "packs/again", body); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
	for i := range 100 { // empty objects take room, too
		if err := s.Put(t.Context(), "meta/"+strconv.Itoa(i), nil); errors.Is(err, store.ErrNoSpace) {
			return
		}
	}
	t.Error("there is no end of empty objects")
}

// TestQuotaOfTwo has two processes write to one place, each with a quota of its own.
func TestQuotaOfTwo(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	const most = 256 << 20
	body := make([]byte, 16<<20)
	var stores []*wire.Store
	for range 2 {
		stores = append(stores, overPipes(t, wire.NewHandler(inner, wire.Rules{Quota: quotaOf(inner, most)})))
	}
	var stored int64
	for i := range 40 {
		if err := stores[i%2].Put(t.Context(), "packs/"+strconv.Itoa(i), body); err == nil {
			stored += int64(len(body))
		} else if !errors.Is(err, store.ErrNoSpace) {
			t.Fatal(err)
		}
	}
	if stored < most || stored > most+2*(64<<20) {
		t.Errorf("%d bytes were stored, want %d or a little more", stored, most)
	}
}

// FuzzHandler sends any request to a place that only grows.
func FuzzHandler(f *testing.F) {
	f.Add("PUT", "/object/a", "", "body", "x", "1")
	f.Add("POST", "/delete", "", "a\nb", "", "")
	f.Add("GET", "/object/config", "off=-1&len=-1", "", "", "")
	f.Add("GET", "/list", "prefix=pa", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, body, sum, again string) {
		inner := mem.New()
		if err := inner.Put(t.Context(), "config", []byte("config")); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		r.Header.Set("Firn-Sha256", sum)
		r.Header.Set("Firn-Again", again)
		wire.NewHandler(inner, wire.Rules{AppendOnly: true, Quota: quotaOf(inner, 10_000)}).ServeHTTP(httptest.NewRecorder(), r)
		if got, err := inner.Get(t.Context(), "config", 0, -1); err != nil || string(got) != "config" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
