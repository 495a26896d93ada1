// Package s3test runs a real S3 server for tests: versitygw, built from the
// module in tools/s3 and started on the loopback interface. A [Proxy] in front
// of it counts requests and breaks them.
package s3test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	bucket = "firn-test"
	region = "us-east-1" // what versitygw says it is

	// A start takes a tenth of a second, and a hundred times that on a machine that is busy with other tests.
	startLimit = 30 * time.Second
)

// Options describe a server. The zero value is plain HTTP and a bucket without versions.
type Options struct {
	TLS  bool // serve HTTPS with a certificate of a CA made for this server
	Lock bool // make the bucket with Object Lock, which implies versions
}

// Server is a running S3 server with one bucket, which is empty at first. Its methods may be called concurrently.
type Server struct {
	URL                  string // without a path: "http://127.0.0.1:7070"
	Bucket, Region       string
	AccessKey, SecretKey string // of the administrator, with all rights
	CAFile               string // PEM, to trust the server by; empty without TLS

	// Dir has the objects as plain files: Dir/Bucket/KEY. An object keeps its ETag if its file is changed in place.
	Dir string

	users users
}

// Start starts a server, which ends with the test. If the test failed, the server's log is shown. The first use builds
// the program, which takes minutes on a small machine; make test builds it beforehand. Start skips the test on Windows,
// where the server does not run.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("versitygw keeps objects in a POSIX file system")
	}
	program, err := Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Bucket: bucket, Region: region, AccessKey: rand.Text(), SecretKey: rand.Text()}
	s.serve(t, program, o)
	if err := s.Client(t).MakeBucket(t.Context(), s.Bucket, minio.MakeBucketOptions{Region: s.Region, ObjectLocking: o.Lock}); err != nil {
		t.Fatalf("make bucket: %v", err)
	}
	return s
}

// serve starts the process and returns when the server answers. Another process can take the port between its choice and
// its use. serve then chooses another port.
func (s *Server) serve(t testing.TB, program string, o Options) {
	t.Helper()
	args := s.arguments(t, o)
	for range 5 {
		address := freeAddress(t)
		s.URL = "http://" + address
		if o.TLS {
			s.URL = "https://" + address
		}
		p, err := startProcess(program, append([]string{"--port", address}, args...), []string{
			"PATH=" + os.Getenv("PATH"), "ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey,
		})
		if err != nil {
			t.Fatalf("start S3 server: %v", err)
		}
		if err = s.await(t, p); err == nil {
			t.Cleanup(func() { p.stop(t) })
			return
		}
		if log := p.end(); !portTaken(log) {
			t.Fatalf("start S3 server: %v; its log:\n%s", err, log)
		}
	}
	t.Fatal("start S3 server: each port was taken by others")
}

// arguments makes the server's folders and returns all arguments but the port.
func (s *Server) arguments(t testing.TB, o Options) []string {
	t.Helper()
	root := t.TempDir()
	folders := map[string]string{}
	for _, name := range []string{"objects", "versions", "iam", "sidecar"} {
		folders[name] = filepath.Join(root, name)
		if err := os.Mkdir(folders[name], 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.Dir = folders["objects"]
	args := []string{"--quiet", "--iam-dir", folders["iam"]}
	if o.TLS {
		c := writeCertificate(t, root)
		s.CAFile = c.authority
		args = append(args, "--cert", c.file, "--key", c.key)
	}
	args = append(args, "posix", "--versioning-dir", folders["versions"])
	if !hasAttributes(s.Dir) {
		args = append(args, "--sidecar", folders["sidecar"])
	}
	return append(args, s.Dir)
}

// await returns when the server accepts its own keys. Another server, which has taken the port, would refuse them.
func (s *Server) await(t testing.TB, p *process) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	client := s.Client(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.ListBuckets(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", err)
		case <-tick.C:
		}
	}
}

// Location returns the repository location of a prefix in the bucket, such as "s3:http://127.0.0.1:7070/bucket/prefix".
func (s *Server) Location(prefix string) string { return location(s.URL, s.Bucket, prefix) }

func location(base, bucket, prefix string) string {
	if prefix != "" {
		prefix = "/" + prefix
	}
	return "s3:" + base + "/" + bucket + prefix
}

// Client returns a client with the administrator's rights, for assertions in tests. It repeats no request.
func (s *Server) Client(t testing.TB) *minio.Client {
	t.Helper()
	return s.ClientOf(t, s.AccessKey, s.SecretKey)
}

// ClientOf returns a client with the given keys. It repeats no request.
func (s *Server) ClientOf(t testing.TB, accessKey, secretKey string) *minio.Client {
	t.Helper()
	return newClient(t, s.URL, s.transport(t), accessKey, secretKey)
}

// newClient returns a client of the server, or of a proxy in front of the server.
func newClient(t testing.TB, base string, transport http.RoundTripper, accessKey, secretKey string) *minio.Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(accessKey, secretKey, ""),
		Secure:       u.Scheme == "https",
		Region:       region,
		Transport:    transport,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   1, // which means none
	})
	if err != nil {
		t.Fatalf("make S3 client: %v", err)
	}
	return client
}

// transport returns an HTTP transport that trusts this server alone. Its connections end with the test.
func (s *Server) transport(t testing.TB) *http.Transport {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}
	if s.CAFile != "" {
		data, err := os.ReadFile(s.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(data)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}
