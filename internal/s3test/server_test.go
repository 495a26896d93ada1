package s3test_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/s3test"

	"github.com/minio/minio-go/v7"
)

func TestServer(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]s3test.Options{"Plain": {}, "TLS": {TLS: true}, "Lock": {Lock: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s3test.Start(t, o)
			if secure := strings.HasPrefix(s.URL, "https:"); secure != o.TLS || (s.CAFile != "") != o.TLS {
				t.Errorf("got URL %s and CA file %q with TLS %v", s.URL, s.CAFile, o.TLS)
			}
			testObject(t, s)
		})
	}
}

// testObject puts, gets, lists and deletes an object.
func testObject(t *testing.T, s *s3test.Server) {
	client := s.Client(t)
	data := bytes.Repeat([]byte("firn"), 100_000)
	put(t, client, "a/b", data)
	if got := get(t, client, "a/b"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, want the %d that were put", len(got), len(data))
	}
	if got, err := os.ReadFile(filepath.Join(s.Dir, s.Bucket, "a", "b")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("file of the object: got %d bytes, %v; want the %d that were put", len(got), err, len(data))
	}
	if got := list(t, client); got != "a/b" {
		t.Errorf("list: got %q, want a/b", got)
	}
	if err := client.RemoveObject(t.Context(), s.Bucket, "a/b", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, client); got != "" {
		t.Errorf("list after the deletion: got %q, want nothing", got)
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	s := &s3test.Server{URL: "https://127.0.0.1:7070", Bucket: "b"}
	for prefix, want := range map[string]string{"": "s3:https://127.0.0.1:7070/b", "x/y": "s3:https://127.0.0.1:7070/b/x/y"} {
		if got := s.Location(prefix); got != want {
			t.Errorf("location of prefix %q: got %s, want %s", prefix, got, want)
		}
	}
}

func TestLockedVersionStays(t *testing.T) {
	t.Parallel()
	s := s3test.Start(t, s3test.Options{Lock: true})
	client := s.Client(t)
	until := time.Now().Add(time.Hour)
	info, err := client.PutObject(t.Context(), s.Bucket, "k", strings.NewReader("x"), 1,
		minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: until})
	if err != nil {
		t.Fatal(err)
	}
	if info.VersionID == "" {
		t.Fatal("the bucket has no versions")
	}
	stat, err := client.StatObject(t.Context(), s.Bucket, "k", minio.GetObjectOptions{})
	if got := stat.Metadata.Get("X-Amz-Object-Lock-Mode"); err != nil || got != "COMPLIANCE" {
		t.Errorf("stat: got lock mode %q, %v; want COMPLIANCE", got, err)
	}
	refuseVersion(t, s, "k", info.VersionID)
	if err := client.RemoveObject(t.Context(), s.Bucket, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Errorf("cover with a delete marker: %v", err)
	}
	if got := list(t, client); got != "" {
		t.Errorf("list: got %q, want nothing under the delete marker", got)
	}
	refuseVersion(t, s, "k", info.VersionID)
}

// refuseVersion checks that not even the administrator can delete a version.
func refuseVersion(t *testing.T, s *s3test.Server, key, version string) {
	t.Helper()
	err := s.Client(t).RemoveObject(t.Context(), s.Bucket, key, minio.RemoveObjectOptions{VersionID: version})
	if got := minio.ToErrorResponse(err).Code; got != minio.AccessDenied {
		t.Errorf("delete locked version: got %v, want AccessDenied", err)
	}
}

func TestServerEndsWithTest(t *testing.T) {
	t.Parallel()
	var address string
	t.Run("Use", func(t *testing.T) {
		u, err := url.Parse(s3test.Start(t, s3test.Options{}).URL)
		if err != nil {
			t.Fatal(err)
		}
		address = u.Host
	})
	var d net.Dialer
	if conn, err := d.DialContext(t.Context(), "tcp", address); err == nil {
		conn.Close()
		t.Errorf("something still listens on %s", address)
	}
}

func put(t *testing.T, client *minio.Client, key string, data []byte) {
	t.Helper()
	_, err := client.PutObject(t.Context(), "firn-test", key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, client *minio.Client, key string) []byte {
	t.Helper()
	data, err := tryGet(t, client, key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func tryGet(t *testing.T, client *minio.Client, key string) ([]byte, error) {
	t.Helper()
	o, err := client.GetObject(t.Context(), "firn-test", key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return io.ReadAll(o)
}

// list returns the keys in the bucket, separated by spaces.
func list(t *testing.T, client *minio.Client) string {
	t.Helper()
	var keys []string
	for o := range client.ListObjects(t.Context(), "firn-test", minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return strings.Join(keys, " ")
}
