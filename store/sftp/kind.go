package sftp

import (
	"context"

	"firn/ssh"
	"firn/store"
)

// Kind is the kind of place that is a folder of another host, which is reached by SFTP.
type Kind struct{}

var _ store.Kind = Kind{}

// Matches reports whether a location is meant to be one of another host.
func (Kind) Matches(location string) bool { return IsLocation(location) }

// Forms names the forms of a location.
func (Kind) Forms() string { return "sftp:user@host:/path and sftp://user@host:port//path" }

// Parse returns the one spelling of a location.
func (Kind) Parse(location, _ string) (string, error) {
	l, err := ParseLocation(location)
	if err != nil {
		return "", err
	}
	return l.String(), nil
}

// Open prepares to use the folder. The first call of the store connects.
func (Kind) Open(_ context.Context, location string, a store.Access) (store.Store, error) {
	l, err := ParseLocation(location)
	if err != nil {
		return nil, err
	}
	return Open(Options{
		Location: l, SSH: ssh.Options{Program: a.SSH.Program, Options: a.SSH.Options},
		UploadLimit: a.UploadLimit, DownloadLimit: a.DownloadLimit, Warn: a.Warn,
	}), nil
}
