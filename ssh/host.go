package ssh

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Host is where ssh leads.
type Host struct {
	Name string // as ssh takes it: a name of the user's configuration, or user@host
	Port int    // 0 for the one of the user's configuration
}

// String returns the host as in a URL.
func (h Host) String() string {
	name := h.Name
	if user, host, found := cutLast(name, "@"); found && strings.Contains(host, ":") {
		name = user + "@[" + host + "]"
	} else if !found && strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if h.Port == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(h.Port)
}

// cutLast is [strings.Cut] at the last separator. User names may have an @ in them.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// check refuses names that ssh or a shell would take for something else. A name that begins with - would be an option, such
// as one that runs a command.
func (h Host) check() error {
	user, host, found := cutLast(h.Name, "@")
	switch {
	case host == "" || found && user == "":
		return fmt.Errorf("%q names no host", h.Name)
	case strings.HasPrefix(h.Name, "-") || strings.HasPrefix(host, "-"):
		return fmt.Errorf("host %q: a name that begins with - would be taken for an option", h.Name)
	case strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("'\"`$\\;&<>|(){}", r) }):
		return fmt.Errorf("host %q has a character that no host's name has", h.Name)
	case h.Port < 0 || h.Port > 65535:
		return fmt.Errorf("host %q: there is no port %d", h.Name, h.Port)
	}
	return nil
}

// ParseURL reads a location of the form scheme://user@host:port/path. The path is returned without its first slash, and not
// changed otherwise but that %20 and the like are decoded: it may begin with another slash.
func ParseURL(scheme, location string) (h Host, path string, err error) {
	rest, ok := strings.CutPrefix(location, scheme+"://")
	if !ok {
		return Host{}, "", fmt.Errorf("%q does not begin with %s://", location, scheme)
	}
	place, path, found := strings.Cut(rest, "/")
	if !found || path == "" {
		return Host{}, "", errors.New("the path on the host is missing")
	}
	if h, err = ParseHost(place); err != nil {
		return Host{}, "", err
	}
	if path, err = url.PathUnescape(path); err != nil {
		return Host{}, "", fmt.Errorf("path %q: a %% that stands for itself is written %%25", path)
	}
	return h, path, checkPath(path)
}

// ParseHost reads user@host:port, of which only the host is needed. An address of IPv6 stands in brackets.
func ParseHost(text string) (Host, error) {
	user, host, found := cutLast(text, "@")
	if strings.Contains(user, ":") {
		return Host{}, errors.New("a password cannot stand in a location: ssh finds keys by its own configuration")
	}
	h := Host{Name: host}
	if end := strings.LastIndex(host, "]"); strings.HasPrefix(host, "[") && end > 0 {
		h.Name, host = host[1:end], host[end:]
	}
	if name, port, given := cutLast(host, ":"); given {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return Host{}, fmt.Errorf("there is no port %q", port)
		}
		h.Port = n
		if !strings.HasPrefix(name, "]") {
			h.Name = name
		}
	}
	if found {
		h.Name = user + "@" + h.Name
	}
	return h, h.check()
}

// checkPath refuses paths that no protocol can carry.
func checkPath(path string) error {
	if strings.ContainsAny(path, "\x00\n\r") {
		return fmt.Errorf("path %q has a line break or a zero in it", path)
	}
	return nil
}
