package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// These are the errors of a place that cannot be used as it is. A person has to mend something, so each error names what
// to look at. They are here, and not with the store that finds them, so that their hints need no client of that store.
var (
	// ErrDenied is returned when the credentials lack a right, or an object is
	// locked. It matches fs.ErrPermission.
	ErrDenied = fmt.Errorf("the store refuses it: %w", fs.ErrPermission)

	// ErrCredentials is returned when there are no credentials, or the server does not know them.
	ErrCredentials = errors.New("the store refuses the credentials")

	// ErrBucket is returned when there is no such bucket.
	ErrBucket = errors.New("there is no such bucket")

	// ErrClock is returned when this machine's clock is too far from the server's.
	ErrClock = errors.New("the clock of this machine is wrong")

	// ErrRegion is returned when the bucket is in another region.
	ErrRegion = errors.New("the bucket is in another region")

	// ErrCertificate is returned when the server's certificate is not trusted.
	ErrCertificate = errors.New("the certificate of the store is not trusted")

	// ErrProtocol is returned when what answers does not speak S3, or not with, or without, TLS.
	ErrProtocol = errors.New("this is not an S3 server")

	// ErrUnreachable is returned when the server could not be reached, or went on
	// to fail, until the store's patience ended.
	ErrUnreachable = errors.New("the store cannot be reached")

	// ErrLock is returned when the bucket does not allow Object Lock.
	ErrLock = errors.New("the bucket does not allow Object Lock")
)
