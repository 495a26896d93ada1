package s3test_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/s3test"

	"github.com/minio/minio-go/v7"
)

// broken is a server with a proxy, and a client for each.
type broken struct {
	server         *s3test.Server
	proxy          *s3test.Proxy
	direct, client *minio.Client
}

func start(t *testing.T, o s3test.Options) *broken {
	t.Helper()
	s := s3test.Start(t, o)
	p := s3test.StartProxy(t, s)
	return &broken{s, p, s.Client(t), p.Client(t, s.AccessKey, s.SecretKey)}
}

// all breaks each request in one way.
func (b *broken) all(f s3test.Fault) {
	b.proxy.Break(func(int, *http.Request) s3test.Fault { return f })
}

// create puts an object by way of the proxy, unless it exists.
func (b *broken) create(t *testing.T, key, data string) error {
	t.Helper()
	o := minio.PutObjectOptions{}
	o.SetMatchETagExcept("*")
	_, err := b.client.PutObject(t.Context(), b.server.Bucket, key, strings.NewReader(data), int64(len(data)), o)
	return err
}

func TestProxyCounts(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]s3test.Options{"Plain": {}, "TLS": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, o)
			if got, want := b.proxy.Location("x"), "s3:"+b.proxy.URL+"/firn-test/x"; got != want {
				t.Errorf("location: got %s, want %s", got, want)
			}
			testCounts(t, b)
		})
	}
}

// testCounts makes one request of each kind.
func testCounts(t *testing.T, b *broken) {
	data := bytes.Repeat([]byte("firn"), 100_000)
	put(t, b.client, "a/b c", data)
	if got := get(t, b.client, "a/b c"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, want the %d that were put", len(got), len(data))
	}
	listing := b.client.ListObjects(t.Context(), b.server.Bucket, minio.ListObjectsOptions{Prefix: "a/", Recursive: true})
	for o := range listing {
		if o.Err != nil || o.Key != "a/b c" {
			t.Errorf("list: got %q, %v", o.Key, o.Err)
		}
	}
	if _, err := b.client.StatObject(t.Context(), b.server.Bucket, "a/b c", minio.GetObjectOptions{}); err != nil {
		t.Error(err)
	}
	if err := b.client.RemoveObject(t.Context(), b.server.Bucket, "a/b c", minio.RemoveObjectOptions{}); err != nil {
		t.Error(err)
	}
	for _, err := range removeAll(t.Context(), b, "x", "y") {
		t.Error(err)
	}
	want := []s3test.Request{
		{Method: "PUT", Kind: "put", Key: "a/b c"}, {Method: "GET", Kind: "get", Key: "a/b c"},
		{Method: "GET", Kind: "list", Key: "a/"}, {Method: "HEAD", Kind: "head", Key: "a/b c"},
		{Method: "DELETE", Kind: "delete", Key: "a/b c"}, {Method: "POST", Kind: "batch delete"},
	}
	if got := b.proxy.Requests(); !slices.Equal(got, want) {
		t.Errorf("requests: got %v, want %v", got, want)
	}
	b.proxy.Reset()
	if got := b.proxy.Requests(); len(got) != 0 {
		t.Errorf("requests after Reset: got %v, want none", got)
	}
}

func TestProxyCountsParts(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	data := bytes.Repeat([]byte("firn"), 3<<19) // 6 MiB
	_, err := b.client.PutObject(t.Context(), b.server.Bucket, "k", bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range b.proxy.Requests() {
		got = append(got, r.Kind)
	}
	if want := []string{"start upload", "put part", "put part", "complete upload"}; !slices.Equal(got, want) {
		t.Errorf("requests: got %q, want %q", got, want)
	}
	if got := get(t, b.client, "k"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, want the %d that were put", len(got), len(data))
	}
}

func removeAll(ctx context.Context, b *broken, keys ...string) (errs []error) {
	objects := make(chan minio.ObjectInfo, len(keys))
	for _, key := range keys {
		objects <- minio.ObjectInfo{Key: key}
	}
	close(objects)
	for e := range b.client.RemoveObjects(ctx, b.server.Bucket, objects, minio.RemoveObjectsOptions{}) {
		errs = append(errs, e.Err)
	}
	return errs
}

func TestResetBefore(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	b.all(s3test.ResetBefore)
	err := b.create(t, "k", "x")
	if _, answer := errors.AsType[minio.ErrorResponse](err); err == nil || answer {
		t.Errorf("put: got %v, want a reset", err)
	}
	if _, err := tryGet(t, b.client, "k"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("get: got %v, want a reset", err)
	}
	if got := list(t, b.direct); got != "" {
		t.Errorf("the server has %q, want nothing", got)
	}
}

func TestResetAfter(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	b.all(s3test.ResetAfter)
	if err := b.create(t, "k", "x"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("put: got %v, want a reset", err)
	}
	if got := list(t, b.direct); got != "k" {
		t.Errorf("the server has %q, want k", got)
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	put(t, b.direct, "k", bytes.Repeat([]byte("x"), 1000))
	b.all(s3test.Truncate)
	got, err := tryGet(t, b.client, "k")
	if len(got) != 500 || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d bytes, %v; want 500 and a reset", len(got), err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	for fault, want := range map[s3test.Fault]string{
		s3test.Unavailable: "SlowDown", s3test.Denied: minio.AccessDenied, s3test.NotImplemented: "NotImplemented",
	} {
		b.all(fault)
		wantCode(t, "put", b.create(t, "k", strings.Repeat("x", 1_000_000)), want)
	}
	if got := list(t, b.direct); got != "" {
		t.Errorf("the server has %q, want nothing", got)
	}
	b.all(s3test.NotImplemented)
	put(t, b.client, "k", []byte("x")) // has no condition
}

func TestStripCondition(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]s3test.Options{"Plain": {}, "TLS": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, o)
			accessKey, secretKey := b.server.AddUser(t, "writer", "s3:PutObject")
			b.client = b.proxy.Client(t, accessKey, secretKey)
			if err := b.create(t, "k", "old"); err != nil {
				t.Fatal(err)
			}
			wantCode(t, "create again", b.create(t, "k", "new"), minio.PreconditionFailed)
			b.all(s3test.StripCondition)
			if err := b.create(t, "k", strings.Repeat("new", 100_000)); err != nil {
				t.Errorf("create again without condition: %v", err)
			}
			if got := string(get(t, b.direct, "k")); got != strings.Repeat("new", 100_000) {
				t.Errorf("got %d bytes %.9q..., want the new ones", len(got), got)
			}
		})
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	b.all(s3test.Slow)
	begin := time.Now()
	if err := b.create(t, "k", "x"); err != nil {
		t.Error(err)
	}
	if got := time.Since(begin); got < s3test.Slowness {
		t.Errorf("the answer took %v, want at least %v", got, s3test.Slowness)
	}
}

func TestBreakOne(t *testing.T) {
	t.Parallel()
	b := start(t, s3test.Options{})
	put(t, b.client, "before", nil)
	b.proxy.Break(func(n int, r *http.Request) s3test.Fault {
		if n == 2 && r.Method == http.MethodPut {
			return s3test.Denied
		}
		return s3test.Pass
	})
	if err := b.create(t, "1", "x"); err != nil {
		t.Errorf("first put: %v", err)
	}
	wantCode(t, "second put", b.create(t, "2", "x"), minio.AccessDenied)
	b.proxy.Break(nil)
	for _, key := range []string{"3", "4"} {
		if err := b.create(t, key, "x"); err != nil {
			t.Errorf("put after Break(nil): %v", err)
		}
	}
}
