package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"firn/store"
)

// answer is the one answer of a server to all requests.
type answer struct {
	status int
	body   []byte
	asked  int
}

// RoundTrip returns the answer a few times, and then an error.
func (a *answer) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.asked++; a.asked > 20 {
		return nil, io.ErrClosedPipe
	}
	header := http.Header{"Last-Modified": {"Thu, 01 Jan 2026 00:00:00 GMT"}, "Content-Type": {"application/xml"}}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: header, Request: r, ContentLength: int64(len(a.body)),
		Body: io.NopCloser(bytes.NewReader(a.body)), ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// storeAnswered returns a store whose server gives the answer, and that repeats no request.
func storeAnswered(t testing.TB, a *answer) *Store {
	t.Helper()
	s := &Store{bucket: "bucket", prefix: "prefix/", opts: Options{Patience: time.Nanosecond}, traffic: &traffic{}}
	client, err := minio.New("store.example", &minio.Options{
		Creds: credentials.NewStaticV4("access", "secret", ""), Transport: newGuard(a, s.traffic, s.opts),
		Region: defaultRegion, MaxRetries: 1, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.core = minio.Core{Client: client}
	return s
}

// FuzzAnswers lets a server send any answer. List must yield only names of objects, in
// order. Get must return the bytes that were sent.
func FuzzAnswers(f *testing.F) {
	list := func(rest string) []byte {
		return []byte(`<ListBucketResult><Name>bucket</Name>` + rest + `</ListBucketResult>`)
	}
	key := func(name string) string {
		return `<Contents><Key>` + name + `</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>`
	}
	f.Add(200, list(`<IsTruncated>false</IsTruncated>`+key("prefix/meta/a")+key("prefix/meta/b")))
	f.Add(200, list(`<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`+key("prefix/meta/a")))
	f.Add(200, list(key("prefix/meta/b")+key("prefix/meta/a")+key("prefix/meta/../c")+key("other")))
	f.Add(200, list(`<EncodingType>url</EncodingType>`+key("prefix%2Fmeta%2Fa")+key("%zz")))
	f.Add(404, []byte(`<Error><Code>NoSuchKey</Code></Error>`))
	f.Add(503, []byte(`<Error><Code>SlowDown</Code><Message>&#x9b;31m</Message></Error>`))
	f.Add(200, []byte(`<DeleteResult><Error><Key>prefix/meta/a</Key><Code>AccessDenied</Code></Error></DeleteResult>`))
	f.Add(403, []byte(`<!DOCTYPE a [<!ENTITY b "c">]><Error>&b;</Error>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		ctx, last := context.Background(), ""
		for o, err := range storeAnswered(t, &answer{status: status, body: body}).List(ctx, "meta/") {
			if err != nil {
				break
			}
			if store.CheckName(o.Name) != nil || o.Name <= last {
				t.Errorf("got %q after %q", o.Name, last)
			}
			last = o.Name
		}
		got, err := storeAnswered(t, &answer{status: status, body: body}).Get(ctx, "meta/a", 0, -1)
		if err == nil && !bytes.Equal(got, body) {
			t.Errorf("got %q of %q", got, body)
		}
		for _, call := range []func(*Store) error{
			func(s *Store) error { return s.Delete(ctx, "meta/a", "meta/b") },
			func(s *Store) error { return s.Delete(ctx, "meta/a") },
			func(s *Store) error { return s.Put(ctx, "meta/a", []byte("x")) },
		} {
			if err := call(storeAnswered(t, &answer{status: status, body: body})); err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Error("an error says nothing")
			}
		}
	})
}
