package rclone

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// scheme is the beginning of every location.
const scheme = "rclone:"

// form is the form of a location.
const form = "rclone:REMOTE:PATH"

// Location is the address of one repository, in a remote of rclone's.
type Location struct {
	Remote string // as rclone writes it, with the colon at its end: "box:", or ":sftp,host=example.org:"
	Path   string // from the remote's root or default folder; "" for that folder itself
}

// ParseLocation reads the form rclone:REMOTE:PATH. The remote is one of rclone's configuration, which may have options behind
// a comma, or one that is made on the spot, with a colon before the name of its backend. The path is left as it is, because
// its meaning depends on the remote. Only slashes at its end go.
func ParseLocation(text string) (Location, error) {
	l, err := parseLocation(text)
	if err != nil {
		return Location{}, fmt.Errorf("repository %q: %w", text, err)
	}
	return l, nil
}

func parseLocation(text string) (Location, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return Location{}, fmt.Errorf("it does not begin with %q", scheme)
	}
	if strings.ContainsFunc(rest, unicode.IsControl) {
		return Location{}, errors.New("control characters do not belong there")
	}
	end := remoteEnd(rest)
	if end < 0 {
		return Location{}, fmt.Errorf("the colon behind the remote is missing: %s", form)
	}
	l := Location{Remote: rest[:end+1], Path: withoutEnd(rest[end+1:])}
	return l, l.check()
}

// remoteEnd returns the place of the colon that ends the remote, -1 for none. A value of an option can have colons in quotes.
func remoteEnd(s string) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote { // two of them stand for one: the second opens the quotes again
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ':' && i > 0:
			return i
		}
	}
	return -1
}

// withoutEnd removes slashes from the end of a path, but leaves the root.
func withoutEnd(path string) string {
	short := strings.TrimRight(path, "/")
	if short == "" && path != "" {
		return "/"
	}
	return short
}

// check refuses what rclone would not take for a remote.
func (l Location) check() error {
	name, _, _ := strings.Cut(strings.Trim(l.Remote, ":"), ",")
	switch {
	case name == "":
		return fmt.Errorf("the remote is missing: %s", form)
	case strings.ContainsAny(name, `/\`): // rclone takes it for a folder here
		return fmt.Errorf("no remote can have the name %q: %s", name, form)
	}
	return nil
}

// String returns the location in a form that [ParseLocation] reads.
func (l Location) String() string { return scheme + l.Remote + l.Path }

// upstream returns the place as a value of the option "upstreams" of rclone's backend "combine", which shows it as a folder of
// the given name. The value is a line of CSV with spaces for commas.
func (l Location) upstream(folder string) string {
	return `"` + strings.ReplaceAll(folder+"="+l.Remote+l.Path, `"`, `""`) + `"`
}
