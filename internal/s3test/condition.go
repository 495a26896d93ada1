package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// stale names the headers of the condition, of the signature, and of the body's pieces.
const stale = "If-None-Match Authorization Content-Length X-Amz-Decoded-Content-Length X-Amz-Trailer"

// stripCondition removes If-None-Match from a request. The header is signed, and the pieces of the body can be signed in
// a chain that starts at the signed headers. So stripCondition joins the pieces, and signs the request anew with the keys
// of the request's user.
func (p *Proxy) stripCondition(r *http.Request) error {
	if r.Header.Get("If-None-Match") == "" {
		return nil
	}
	accessKey := credential(r.Header.Get("Authorization"))
	secretKey, ok := p.target.secret(accessKey)
	if !ok {
		return fmt.Errorf("strip condition: request of unknown user %q", accessKey)
	}
	body, err := payload(r)
	if err != nil {
		return fmt.Errorf("strip condition: %w", err)
	}
	for name := range strings.FieldsSeq(stale) {
		r.Header.Del(name)
	}
	hash := sha256.Sum256(body)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(hash[:]))
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	if len(body) == 0 {
		r.Body = http.NoBody // else the request is sent without a length
	}
	r.Header = signer.SignV4(*r, accessKey, secretKey, "", p.target.Region).Header
	return nil
}

// credential returns the access key in an Authorization header: "AWS4-HMAC-SHA256 Credential=KEY/DATE/...".
func credential(authorization string) string {
	_, after, _ := strings.Cut(authorization, "Credential=")
	key, _, _ := strings.Cut(after, "/")
	return key
}

// payload reads a request's body. A body in pieces looks like HTTP's chunks, with a signature in each chunk's extension.
func payload(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "aws-chunked" {
		return nil, fmt.Errorf("a body in pieces that is encoded as %s", encoding)
	}
	r.Header.Del("Content-Encoding")
	return io.ReadAll(httputil.NewChunkedReader(r.Body))
}
