package s3_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/store"
	"firn/store/s3"
)

// TestAnswers checks the error for each answer of a server, and whether the request is
// repeated.
func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		code   string
		want   error
		again  bool
	}{
		{403, "AccessDenied", store.ErrDenied, false},
		{403, "AccessDenied", fs.ErrPermission, false},
		{403, "AllAccessDisabled", store.ErrDenied, false},
		{403, "InvalidAccessKeyId", store.ErrCredentials, false},
		{403, "SignatureDoesNotMatch", store.ErrCredentials, false},
		{400, "ExpiredToken", store.ErrCredentials, false},
		{403, "RequestTimeTooSkewed", store.ErrClock, false},
		{404, "NoSuchBucket", store.ErrBucket, false},
		{404, "NoSuchKey", fs.ErrNotExist, false},
		{301, "PermanentRedirect", store.ErrRegion, false},
		{400, "AuthorizationHeaderMalformed", store.ErrRegion, false},
		{403, "QuotaExceeded", store.ErrNoSpace, false},
		{400, "XMinioAdminBucketQuotaExceeded", store.ErrNoSpace, false},
		{507, "XMinioStorageFull", store.ErrNoSpace, false},
		{507, "", store.ErrNoSpace, false},
		{503, "SlowDown", store.ErrUnreachable, true},
		{503, "ServiceUnavailable", store.ErrUnreachable, true},
		{500, "InternalError", store.ErrUnreachable, true},
		{502, "", store.ErrUnreachable, true},
		{429, "", store.ErrUnreachable, true},
		{400, "RequestTimeout", store.ErrUnreachable, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d%s", tt.status, tt.code), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.WriteHeader(tt.status)
				if tt.code != "" {
					fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", tt.code)
				}
			})
			if _, err := s.Get(t.Context(), "meta/config", 0, -1); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := requests.Load() > 1; got != tt.again {
				t.Errorf("got %d requests, want them repeated: %v", requests.Load(), tt.again)
			}
		})
	}
}

// answering opens a store whose server answers by a function.
func answering(t *testing.T, answer http.HandlerFunc) *s3.Store {
	t.Helper()
	return openAt(t, answeringAt(t, answer), "")
}

// answeringAt returns the address of a server that answers by a function.
func answeringAt(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(dated(answer))
	t.Cleanup(server.Close)
	return server.URL
}

// dated adds the header with the time of writing, without which the client accepts no
// object.
func dated(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		answer(w, r)
	}
}

func openAt(t *testing.T, url, caFile string) *s3.Store {
	t.Helper()
	return open(t, optionsAt(t, url, caFile))
}

func optionsAt(t *testing.T, url, caFile string) s3.Options {
	t.Helper()
	location, err := s3.ParseLocation("s3:"+url+"/bucket/prefix", "")
	if err != nil {
		t.Fatal(err)
	}
	return s3.Options{
		Location: location, AccessKey: "access", SecretKey: "secret", CAFile: caFile, Patience: time.Second,
	}
}

func TestNoRequestForTheRegion(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "content") })
	if got, err := s.Get(t.Context(), "meta/config", 0, -1); err != nil || string(got) != "content" {
		t.Fatalf("got %q, %v", got, err)
	}
	if got := s.Traffic(); got.Requests() != 1 || got.Gets != 1 || got.Sent == 0 || got.Received == 0 {
		t.Errorf("got %+v, want one get", got)
	}
}

// TestRangeIgnored asks a server that always sends the whole object for parts of it.
func TestRangeIgnored(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "0123456789") })
	for want, r := range map[string][2]int64{"345": {3, 3}, "789": {-3, -1}, "56789": {5, -1}} {
		if got, err := s.Get(t.Context(), "meta/config", r[0], r[1]); err != nil || string(got) != want {
			t.Errorf("Get(%d, %d): got %q, %v, want %q", r[0], r[1], got, err, want)
		}
	}
}

// TestSuffixRefused asks a server for a suffix that is longer than the object, which the
// server refuses, as "rclone serve s3" does.
func TestSuffixRefused(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Range") {
		case "bytes=-11":
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		case "bytes=0-9":
			w.Header().Set("Content-Range", "bytes 0-9/10")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, "0123456789")
		default:
			w.Header().Set("Content-Length", "10") // for HEAD
		}
	})
	if got, err := s.Get(t.Context(), "packs/00/ab", -11, -1); err != nil || string(got) != "0123456789" {
		t.Errorf("got %q, %v, want all of it", got, err)
	}
}

// TestProbeOfStrict probes a server that accepts no empty objects and ignores conditions.
func TestProbeOfStrict(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.ContentLength <= 0:
			w.WriteHeader(http.StatusLengthRequired)
		case r.Method == http.MethodPut:
			w.Header().Set("ETag", `"0"`)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	if conditional, err := s.Probe(t.Context()); err != nil || conditional {
		t.Errorf("got %t, %v, want a server without conditions", conditional, err)
	}
}

// TestBrokenAnswer checks that a request whose answer breaks off is repeated, and that
// such an answer does not pass for an object that is too short.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		if requests.Add(1) < 3 {
			fmt.Fprint(w, "01234")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "0123456789")
	})
	if got, err := s.Get(t.Context(), "meta/config", 0, -1); err != nil || string(got) != "0123456789" || requests.Load() != 3 {
		t.Errorf("got %q, %v after %d requests, want all at the third", got, err, requests.Load())
	}
	requests.Store(-1000)
	if _, err := s.Get(t.Context(), "meta/config", 0, -1); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("got %v, want store.ErrUnreachable", err)
	}
}

// TestCutAnswers closes connections in order, but in the middle of an answer. No such
// answer may look like an object that is missing or too short.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"Nothing": "",
		"Status":  "HTTP/1.1 200 OK",
		"Header":  "HTTP/1.1 200 OK\r\nContent-Len",
		"Body":    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n<?xml",
		"Missing": "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n<?xml version=\"1.0\"?><Error><Code>NoSuch",
		"Chunks":  "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<?xml\r\n",
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // unread bytes would cause a reset instead
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(err)
				}
				if head, _, ok := strings.Cut(answer, "\r\n\r\n"); ok && r.Method == http.MethodHead {
					_, _ = io.WriteString(conn, head+"\r\n\r\n") // to HEAD the headers are a whole answer
				} else {
					_, _ = io.WriteString(conn, answer)
				}
				_ = conn.Close()
			}))
			t.Cleanup(server.Close)
			opts := optionsAt(t, server.URL, "")
			opts.Patience = 10 * time.Millisecond
			s := open(t, opts)
			for _, c := range calls() {
				err := c.run(t.Context(), s)
				if name == "Body" && (err == nil || c.name == "DeleteOne") {
					continue // a success without a body, or the error that this call's answer causes
				}
				if !errors.Is(err, store.ErrUnreachable) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: got %v, want store.ErrUnreachable", c.name, err)
				}
			}
		})
	}
}

// TestDeleteMissing deletes on a server that reports a missing object, as few servers do.
func TestDeleteMissing(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>")
	})
	if err := s.Delete(t.Context(), "meta/a"); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

// TestForeign404 receives the status 404 of a proxy whose S3 server is being restarted.
// It says nothing about any object.
func TestForeign404(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "default backend - 404", "<html><body><h1>404</h1></body></html>"} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, body)
		})
		if _, err := s.Get(t.Context(), "meta/config", 0, -1); !errors.Is(err, store.ErrUnreachable) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get answered with %q: got %v, want store.ErrUnreachable", body, err)
		}
		for _, err := range s.List(t.Context(), "meta/") {
			if !errors.Is(err, store.ErrUnreachable) || errors.Is(err, store.ErrBucket) {
				t.Errorf("List answered with %q: got %v, want store.ErrUnreachable", body, err)
			}
		}
	}
}

// TestEndlessAnswer checks that a server cannot make the store hold more than the largest
// object in memory.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	for _, length := range []int64{-1, store.AtMost(1000)} {
		if _, err := s.Get(t.Context(), "meta/config", 0, length); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("length %d: got %v, want ErrTooLarge", length, err)
		}
	}
}

func TestNotS3(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Hello</body></html>") })
	for _, err := range s.List(t.Context(), "meta/") {
		if err == nil {
			t.Error("a page of HTML passes for a listing")
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(dated(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would print the handshakes that fail on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	if _, err := openAt(t, server.URL, "").Get(t.Context(), "meta/a", 0, -1); !errors.Is(err, store.ErrCertificate) {
		t.Errorf("unknown authority: got %v, want store.ErrCertificate", err)
	}
	plain := strings.Replace(server.URL, "https", "http", 1)
	if _, err := openAt(t, plain, "").Get(t.Context(), "meta/a", 0, -1); err == nil {
		t.Error("plain HTTP to a port of TLS: got nil")
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := openAt(t, server.URL, file).Get(t.Context(), "meta/a", 0, -1); err != nil || string(got) != "x" {
		t.Errorf("known authority: got %q, %v", got, err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	if _, err := openAt(t, server.URL, "").Get(t.Context(), "meta/a", 0, -1); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("got %v, want store.ErrUnreachable", err)
	}
}
