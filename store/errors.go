package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// These errors say why a store cannot be used. A person has to repair something, so each error
// names the thing to check. They are here, and not in the package of the store that returns them,
// so that a program can match them and give hints without importing a client of that store.
var (
	// ErrDenied is returned when the credentials lack a right, or an object is
	// locked. It matches fs.ErrPermission.
	ErrDenied = fmt.Errorf("the store refuses it: %w", fs.ErrPermission)

	// ErrCredentials is returned when no credentials were found, or the server does not accept
	// them.
	ErrCredentials = errors.New("the store refuses the credentials")

	// ErrBucket is returned when the bucket does not exist.
	ErrBucket = errors.New("there is no such bucket")

	// ErrClock is returned when this machine's clock is too far from the server's.
	ErrClock = errors.New("the clock of this machine is wrong")

	// ErrRegion is returned when the bucket is in another region.
	ErrRegion = errors.New("the bucket is in another region")

	// ErrCertificate is returned when the server's certificate is not trusted.
	ErrCertificate = errors.New("the certificate of the store is not trusted")

	// ErrProtocol is returned when the server does not speak S3, or expects TLS where none is used,
	// or the reverse.
	ErrProtocol = errors.New("this is not an S3 server")

	// ErrUnreachable is returned when the server could not be reached, or kept failing, until the
	// store's patience ended.
	ErrUnreachable = errors.New("the store cannot be reached")

	// ErrLock is returned when the bucket does not allow Object Lock.
	ErrLock = errors.New("the bucket does not allow Object Lock")

	// ErrFolder is returned when the folder on the other host does not exist.
	ErrFolder = errors.New("there is no such folder on the host")

	// ErrRights is returned when the user on the other host lacks a right to a file or a folder. It matches ErrDenied.
	ErrRights = fmt.Errorf("the user on the host lacks a right to it: %w", ErrDenied)

	// ErrReplaces is returned when a server has no way to create a file without replacing another one.
	ErrReplaces = errors.New("the server replaces files that exist")

	// ErrAnswer is returned when a server answers what no honest server does.
	ErrAnswer = errors.New("the server's answer makes no sense")

	// ErrNoRclone is returned when there is no rclone program.
	ErrNoRclone = errors.New("there is no rclone program")

	// ErrOldRclone is returned when the rclone program is too old, or is something else.
	ErrOldRclone = errors.New("this rclone cannot be used")

	// ErrRcloneConfig is returned when rclone's configuration lacks the remote, or cannot be read.
	ErrRcloneConfig = errors.New("rclone's configuration does not lead there")

	// ErrRclone is returned when rclone ended for another reason, or never got ready.
	ErrRclone = errors.New("rclone ended")
)
