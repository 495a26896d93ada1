package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"firn/store"
	"firn/store/s3"
)

// page writes a page of a listing, with the token of the next page.
func page(w io.Writer, token string, keys ...string) {
	fmt.Fprintf(w, `<ListBucketResult><Name>bucket</Name><IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>`, token)
	for _, key := range keys {
		fmt.Fprintf(w, `<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>`, key)
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

// listAll lists to the end.
func listAll(t *testing.T, s *s3.Store) error {
	t.Helper()
	for _, err := range s.List(t.Context(), "meta/") {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestHostileListings checks that listings without an end fail.
func TestHostileListings(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w io.Writer, n int64){
		"SameToken":      func(w io.Writer, _ int64) { page(w, "same", "prefix/meta/a", "prefix/meta/b") },
		"NewTokens":      func(w io.Writer, n int64) { page(w, fmt.Sprint(n), "prefix/meta/a", "prefix/meta/b") },
		"Twice":          func(w io.Writer, n int64) { page(w, fmt.Sprint(n), "prefix/meta/a", "prefix/meta/a") },
		"Disorder":       func(w io.Writer, n int64) { page(w, fmt.Sprint(n), "prefix/meta/b", "prefix/meta/a") },
		"EmptyPages":     func(w io.Writer, n int64) { page(w, fmt.Sprint(n)) },
		"EmptySameToken": func(w io.Writer, _ int64) { page(w, "same") },
		"OneForeign":     func(w io.Writer, n int64) { page(w, fmt.Sprint(n), "prefix/meta/Other_1") },
		"NoToken":        func(w io.Writer, _ int64) { page(w, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			s := answering(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, requests.Add(1)) })
			err := listAll(t, s)
			if err == nil || strings.Contains(err.Error(), "continuation-token") {
				t.Errorf("got %v, want an error that is for people", err)
			}
			if n := requests.Load(); n > 200 {
				t.Errorf("%d requests were made, want it to give up before", n)
			}
		})
	}
}

// TestPagesWithoutKeys uses a server that sends some empty pages, which the protocol
// allows.
func TestPagesWithoutKeys(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		if n := requests.Add(1); n < 20 {
			page(w, fmt.Sprint(n))
			return
		}
		fmt.Fprint(w, `<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>`)
	})
	if err := listAll(t, s); err != nil {
		t.Errorf("got %v, want the listing", err)
	}
}

// TestEndlessText uses answers that are not objects and never end: a listing, an error,
// and the result of a deletion.
func TestEndlessText(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w http.ResponseWriter){
		"Name":    func(w http.ResponseWriter) { fmt.Fprint(w, "<ListBucketResult><Name>") },
		"Key":     func(w http.ResponseWriter) { fmt.Fprint(w, "<ListBucketResult><Contents><Key>") },
		"Space":   func(http.ResponseWriter) {},
		"Error":   func(w http.ResponseWriter) { w.WriteHeader(400); fmt.Fprint(w, "<Error><Message>") },
		"Deleted": func(w http.ResponseWriter) { fmt.Fprint(w, "<DeleteResult><Error><Message>") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			s := answering(t, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				for block := bytes.Repeat([]byte(" A"[len(name)%2:]), 1<<19); r.Context().Err() == nil; {
					n, err := w.Write(block)
					if sent.Add(int64(n)); err != nil {
						return
					}
				}
			})
			if err := listAll(t, s); err == nil {
				t.Error("List has ended well")
			}
			if err := s.Delete(t.Context(), "meta/a", "meta/b"); err == nil {
				t.Error("Delete has ended well")
			}
			// Each call takes a few tries. Each try takes 16 MiB and the system's buffers
			// of a connection.
			if n := sent.Load() >> 20; n > 400 {
				t.Errorf("%d MiB were taken", n)
			}
		})
	}
}

func TestEndlessHeaders(t *testing.T) {
	t.Parallel()
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 1000))
		}
	})
	if _, err := s.Get(t.Context(), "meta/config", 0, -1); err == nil {
		t.Error("a megabyte of headers was taken")
	}
}

// TestRedirectsAreNotFollowed redirects every request to another server, and checks that
// no request, and so no credentials, arrives there.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var stolen atomic.Int64
			other := answeringAt(t, func(http.ResponseWriter, *http.Request) { stolen.Add(1) })
			s := answering(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other+r.URL.Path, status)
			})
			_, err := s.Get(t.Context(), "meta/config", 0, -1)
			err = errors.Join(err, listAll(t, s), s.Put(t.Context(), "meta/a", nil), s.Delete(t.Context(), "meta/a", "meta/b"))
			if stolen.Load() > 0 {
				t.Errorf("%d requests went to the other server", stolen.Load())
			}
			if err == nil || status == 307 && !errors.Is(err, store.ErrRegion) {
				t.Errorf("got %v, want errors", err)
			}
		})
	}
}
