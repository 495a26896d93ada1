//go:build unix

package rclone_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// bucket is the server of the stand-in: the parts of S3 that firn uses, with objects as files. As rclone does, it keeps the
// metadata of objects in memory only.
type bucket struct {
	*standIn
	key  string // of the only user
	root string

	mu    sync.Mutex
	marks map[string]string // metadata, by name
	puts  int
}

// ServeHTTP answers one request after the other.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := io.Reader(r.Body)
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		in = httputil.NewChunkedReader(in) // pieces with a signature look like HTTP's chunks
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name, ok := strings.CutPrefix(r.URL.Path, "/firn/")
	switch query := r.URL.Query(); {
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+b.key+"/"):
		refuse(w, http.StatusForbidden, "AccessDenied")
	case !ok:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case query.Has("list-type"):
		b.list(w, query)
	case query.Has("delete"):
		b.deleteMany(w, body)
	case r.Method == http.MethodDelete:
		b.remove(name)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		b.put(w, r, name, body)
	default:
		b.get(w, r, name)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
}

func (b *bucket) path(name string) string { return filepath.Join(b.root, filepath.FromSlash(name)) }

func (b *bucket) put(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	path := b.path(name)
	if _, err := os.Stat(path); err == nil && r.Header.Get("If-None-Match") == "*" && !b.has("forgiving") {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, body, 0o600)); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError")
		return
	}
	b.marks[name] = r.Header.Get("X-Amz-Meta-Firn-Put")
	b.puts++
	if n, _ := strconv.Atoi(b.value("dies")); n == b.puts && os.Mkdir(filepath.Join(b.dir, "died"), 0o700) == nil {
		fmt.Fprintln(os.Stderr, "panic: a nail in the tire\n\ngoroutine 1 [running]:")
		os.Exit(2)
	}
	w.Header().Set("ETag", `"0"`)
}

func (b *bucket) get(w http.ResponseWriter, r *http.Request, name string) {
	f, err := os.Open(b.path(name))
	if err != nil {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"0"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	if mark := b.marks[name]; mark != "" {
		w.Header().Set("X-Amz-Meta-Firn-Put", mark)
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func (b *bucket) remove(name string) {
	if os.Remove(b.path(name)) == nil {
		delete(b.marks, name)
	}
}

func (b *bucket) deleteMany(w http.ResponseWriter, body []byte) {
	var request struct{ Object []struct{ Key string } }
	if err := xml.Unmarshal(body, &request); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	for _, o := range request.Object {
		b.remove(o.Key)
	}
	fmt.Fprint(w, "<DeleteResult></DeleteResult>")
}

// content is an object in a listing.
type content struct {
	Key          string
	LastModified string
	Size         int64
}

func (b *bucket) list(w http.ResponseWriter, query url.Values) {
	var result struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []content
	}
	after := max(query.Get("start-after"), query.Get("continuation-token"))
	for _, c := range b.contents() {
		if c.Key <= after || !strings.HasPrefix(c.Key, query.Get("prefix")) {
			continue
		}
		if len(result.Contents) == 1000 {
			result.IsTruncated, result.NextContinuationToken = true, result.Contents[999].Key
			break
		}
		result.Contents = append(result.Contents, c)
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(result) // the client notices what is missing
}

func (b *bucket) contents() (all []content) {
	_ = filepath.WalkDir(b.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // no object yet
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(b.root, path)
		all = append(all, content{filepath.ToSlash(name), info.ModTime().UTC().Format("2006-01-02T15:04:05.000Z"), info.Size()})
		return nil
	})
	slices.SortFunc(all, func(x, y content) int { return strings.Compare(x.Key, y.Key) })
	return all
}
