package s3test

import (
	"net/http"
	"net/url"
	"strings"
)

// Request is one request that a [Proxy] saw.
type Request struct {
	Method string

	// Kind names the request: "get", "put", "head", "delete", "batch delete", "list", "put part" and so on. A request
	// without such a name has its method and subresource, such as "get object-lock", or for a bucket "put bucket".
	Kind string

	Key string // of the object; the prefix of a listing
}

// kinds names the requests that are not clear from their method and subresource.
const kinds = `
GET versions=list versions
GET uploads=list uploads
GET uploadId=list parts
POST delete=batch delete
POST uploads=start upload
PUT uploadId=put part
POST uploadId=complete upload
DELETE uploadId=abort upload
`

// subresources are the parameters that change the kind of a request.
const subresources = "acl delete legal-hold location object-lock policy retention tagging uploadId uploads versioning versions"

func newRequest(r *http.Request) Request {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	request := Request{Method: r.Method, Kind: kind(r.Method, q, key), Key: key}
	if key == "" {
		request.Key = q.Get("prefix")
	}
	return request
}

func kind(method string, q url.Values, key string) string {
	verb := strings.ToLower(method)
	for sub := range strings.FieldsSeq(subresources) {
		if !q.Has(sub) {
			continue
		}
		if _, after, ok := strings.Cut(kinds, "\n"+method+" "+sub+"="); ok {
			name, _, _ := strings.Cut(after, "\n")
			return name
		}
		return verb + " " + sub
	}
	switch {
	case key != "":
		return verb
	case method == http.MethodGet:
		return "list"
	default:
		return verb + " bucket"
	}
}
