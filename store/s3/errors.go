package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// meaning returns the error that explains the code of an answer to users. It is nil
// for codes that explain nothing.
func meaning(code string) error {
	switch code {
	case minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch, "InvalidToken", "ExpiredToken", "TokenRefreshRequired",
		"InvalidClientTokenId", "UnrecognizedClientException", "NotSignedUp":
		return store.ErrCredentials
	case minio.NoSuchBucket:
		return store.ErrBucket
	case "RequestTimeTooSkewed", "RequestExpired":
		return store.ErrClock
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException",
		"AuthorizationQueryParametersError":
		return store.ErrRegion
	case "InvalidBucketName":
		return store.ErrBucket
	case "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "InsufficientStorage":
		return store.ErrNoSpace
	case "InvalidBucketObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration":
		return store.ErrLock
	}
	return nil
}

// LastingError is an error of [Options.Dial] after which another try would fail, too. The request fails with Err.
type LastingError struct{ Err error }

// Error returns the text of Err.
func (e *LastingError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LastingError) Unwrap() error { return e.Err }

// explain turns an error of the client into one that names the thing to check.
func explain(err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	if lasting, ok := errors.AsType[*LastingError](err); ok {
		return lasting.Err
	}
	if again, ok := errors.AsType[retryable](err); ok { // the retries did not help
		return unreachable(again.error)
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return explainAnswer(answer, err)
	}
	switch {
	case isUntrusted(err):
		return fmt.Errorf("%w: %w", store.ErrCertificate, bare(err))
	case isFinal(err):
		return fmt.Errorf("%w: %w", store.ErrProtocol, bare(err))
	}
	return unreachable(err)
}

// unreachable keeps only the text of the cause: the network's errors match
// io.ErrUnexpectedEOF, fs.ErrPermission and others, and these have another meaning in
// a [store.Store].
func unreachable(err error) error { return fmt.Errorf("%w: %v", store.ErrUnreachable, bare(err)) }

// explainAnswer judges an answer by its code, which is more exact than its status.
func explainAnswer(answer minio.ErrorResponse, err error) error {
	if isForeign(err) {
		return fmt.Errorf("%w: status 404 without a word of S3", store.ErrUnreachable)
	}
	if kind := meaning(answer.Code); kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	switch {
	case answer.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	case answer.Code == "InvalidRequest" && strings.Contains(answer.Message, "Bucket is missing Object"): // the message of all servers, in two spellings
		return fmt.Errorf("%w: %w", store.ErrLock, err)
	case answer.Code == minio.AccessDenied, answer.StatusCode == http.StatusForbidden,
		strings.Contains(answer.Message, "WORM protected"): // MinIO's message for a locked object
		return fmt.Errorf("%w: %w", store.ErrDenied, err)
	case isPassingStatus(answer.StatusCode), isPassingCode(answer.Code):
		return unreachable(err)
	case answer.StatusCode == http.StatusMovedPermanently, answer.StatusCode == http.StatusTemporaryRedirect:
		return fmt.Errorf("%w: %w", store.ErrRegion, err)
	}
	return fmt.Errorf("the store says %s (status %d): %w", answer.Code, answer.StatusCode, err)
}

// isStatus reports whether the server has answered with a status.
func isStatus(err error, status int) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode == status
}

// isMissing reports whether an answer means that the object does not exist. The answer
// to a HEAD has no body, so any proxy on the way can have given it. For other requests
// see saysMissing.
func isMissing(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) &&
		(answer.Code == minio.NoSuchKey || answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket)
}

// saysMissing reports whether an S3 server says that the object does not exist.
func saysMissing(err error) bool { return isMissing(err) && !isForeign(err) }

// isForeign reports whether a status 404 comes from a proxy or another server: except
// after a HEAD, an S3 server names the missing thing in XML.
func isForeign(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && answer.XMLName.Local == ""
}

// isOurs reports whether an error needs no explanation.
func isOurs(err error) bool {
	for _, known := range []error{fs.ErrExist, fs.ErrNotExist, errShort, store.ErrTooLarge, errGhost, errLong, errEndless, errDisorder} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// bare removes the URL, which is long and repeats facts of the message.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// isUntrusted reports whether a server's certificate was refused.
func isUntrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// isFinal reports whether an error of the connection would also be the result of
// another try.
func isFinal(err error) bool {
	var record tls.RecordHeaderError
	var lasting *LastingError
	return isUntrusted(err) || errors.As(err, &record) || errors.As(err, &lasting) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}
