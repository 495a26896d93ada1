package sftp

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"firn/ssh"
)

// Location is the address of one repository in a folder of another host.
type Location struct {
	Host ssh.Host
	Path string // with a slash at its beginning, or below the folder of the login; clean
}

// scheme is the beginning of every location on another host.
const scheme = "sftp:"

// IsLocation reports whether text is meant for [ParseLocation].
func IsLocation(text string) bool { return strings.HasPrefix(text, scheme) }

// ParseLocation reads the forms
//
//	sftp:user@host:/path            a path that begins with a slash
//	sftp:user@host:path             a path below the folder of the login; ~/path is the same
//	sftp://user@host:port//path     the first form as a URL, %20 and the like are decoded
//	sftp://user@host:port/path      the second form as a URL
//
// The user and the port may be left out. The host may be a name of the user's configuration of ssh.
func ParseLocation(text string) (Location, error) {
	l, err := parseLocation(text)
	if errors.Is(err, errSecret) {
		return Location{}, fmt.Errorf("location of the repository: %w", err) // must not show the secret again
	}
	if err != nil {
		return Location{}, fmt.Errorf("repository %q: %w", text, err)
	}
	return l, nil
}

var errSecret = errors.New("a password cannot stand in a location: ssh finds keys by its own configuration")

func parseLocation(text string) (l Location, err error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return l, fmt.Errorf("it does not begin with %q", scheme)
	}
	user, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "@")
	if strings.Contains(user, ":") && user != rest && !strings.Contains(user, "/") {
		return l, errSecret
	}
	if strings.HasPrefix(rest, "//") {
		l.Host, l.Path, err = ssh.ParseURL("sftp", text)
	} else {
		l.Host, l.Path, err = parseShort(rest)
	}
	if err == nil {
		l.Path, err = cleanPath(l.Path)
	}
	return l, err
}

// parseShort reads user@host:path. The colons of an address of IPv6 stand in brackets.
func parseShort(text string) (h ssh.Host, path string, err error) {
	from := strings.Index(text, "]") + 1
	colon := strings.Index(text[from:], ":")
	if colon < 0 {
		return h, "", errors.New("the path on the host is missing")
	}
	h, err = ssh.ParseHost(text[:from+colon])
	return h, text[from+colon+1:], err
}

// cleanPath returns the one spelling of a path. A path with .. would lead to another place when a folder on it becomes a
// symbolic link.
func cleanPath(p string) (string, error) {
	p = strings.TrimPrefix(p, "~/")
	switch {
	case p == "":
		return "", errors.New("the path on the host is missing")
	case strings.HasPrefix(p, "~"):
		return "", fmt.Errorf("path %q: the folders of other users are named by their whole paths", p)
	case strings.ContainsAny(p, "\x00\r\n"):
		return "", fmt.Errorf("path %q has a line break or a zero in it", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return "", fmt.Errorf("path %q: .. does not belong there", p)
		}
	}
	return path.Clean(p), nil
}

// String returns the location in a form that [ParseLocation] reads. Two spellings of the same location have the same form:
// that of a URL if there is a port, or the other one would be read in another way.
func (l Location) String() string {
	short := scheme + l.Host.String() + ":" + l.Path
	if read, err := parseLocation(short); err == nil && read == l && l.Host.Port == 0 {
		return short
	}
	return scheme + "//" + l.Host.String() + "/" + (&url.URL{Path: l.Path}).EscapedPath()
}

// join returns the path of a name below the location.
func (l Location) join(name string) string { return path.Join(l.Path, name) }
