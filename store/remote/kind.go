// Package remote keeps objects in a folder of another host, which "firn store serve" offers there. The connection is that of
// the user's own ssh program.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"firn/ssh"
	"firn/store"
)

// Kind is the kind of place that is a folder of another host with firn.
type Kind struct {
	Version string // of the program, for a message if the other host has another one
}

var _ store.Kind = Kind{}

const scheme = "ssh"

// Matches reports whether a location is meant to be one of another host.
func (Kind) Matches(location string) bool { return strings.HasPrefix(location, scheme+"://") }

// Forms names the two forms of a location.
func (Kind) Forms() string { return "ssh://user@host:port/path and ssh://host/~/path" }

// Parse returns the one spelling of a location.
func (Kind) Parse(location, _ string) (string, error) {
	host, folder, err := parse(location)
	if err != nil {
		return "", err
	}
	shown := url.URL{Path: "/" + strings.TrimPrefix(folder, "/")}
	return scheme + "://" + host.String() + shown.EscapedPath(), nil
}

// parse reads a location. The folder begins with a slash, or with ~ for the home of the user.
func parse(location string) (ssh.Host, string, error) {
	host, folder, err := ssh.ParseURL(scheme, location)
	if err != nil {
		return ssh.Host{}, "", fmt.Errorf("repository %s://...: %w", scheme, err)
	}
	words := strings.Split(folder, "/")
	switch {
	case slices.Contains(words, ".."):
		return ssh.Host{}, "", errors.New(`a path on another host has no ".."`)
	case words[0] == "~":
		return host, path.Clean(folder), nil
	case strings.HasPrefix(words[0], "~"):
		return ssh.Host{}, "", errors.New("only ~ alone stands for a home: name another user before the @ of the host")
	}
	return host, path.Clean("/" + folder), nil
}

// Open prepares to use the place. The connection begins with the first call.
func (k Kind) Open(ctx context.Context, location string, a store.Access) (store.Store, error) {
	host, folder, err := parse(location)
	if err != nil {
		return nil, err
	}
	return Open(Options{
		Host: host, Folder: folder, Firn: a.SSH.FirnCommand(), Location: location, Version: k.Version,
		SSH:         ssh.Options{Program: a.SSH.Program, Options: a.SSH.Options},
		UploadLimit: a.UploadLimit, DownloadLimit: a.DownloadLimit,
	}), ctx.Err()
}
