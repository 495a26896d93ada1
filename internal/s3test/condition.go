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

// stale are the headers that speak of the condition, of the signature, and of pieces.
const stale = "If-None-Match Authorization Content-Length X-Amz-Decoded-Content-Length X-Amz-Trailer"

// stripCondition removes If-None-Match from a request. The header is signed, and so may be each piece of the body, in
// a chain that starts at the signed headers: the body is taken out of its pieces and the request signed anew, with the
// keys of the user who sent it.
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
		r.Body = http.NoBody // else its length counts as not known, and is not sent
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

// payload reads a request's body. In pieces, it looks like HTTP's own chunks with a signature in each one's extension.
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
