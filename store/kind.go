package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// Kind is a kind of place that is not a folder, such as a bucket. A program names the kinds that it wants to use, and
// links the client of these alone.
type Kind interface {
	// Matches reports whether a location is meant to be of this kind.
	Matches(location string) bool

	// Forms says for a hint which forms a location has.
	Forms() string

	// Parse returns the one spelling of a location. The endpoint is for locations that leave it out.
	Parse(location, endpoint string) (string, error)

	// Open opens the place at a location that Parse has returned. If the store is an [io.Closer], the caller closes it.
	Open(ctx context.Context, location string, o Access) (Store, error)
}

// Access says how to reach a place that is not a folder. The zero value is the default.
type Access struct {
	Region               string
	AccessKey, SecretKey string // both "" to look for them where the tools of that kind do
	CAFile               string // certificates in PEM to trust beside the system's
	PathStyle            *bool  // the bucket's name stands in the path, not in the host; nil to find out

	// Unconditional is for servers that cannot refuse to write over an object.
	Unconditional bool

	Lock     time.Duration // for how long no object can be deleted; 0 for not at all
	LockMode string        // "compliance", which is the default, or "governance"

	UploadLimit, DownloadLimit int64 // bytes per second; 0 for no limit

	SSH SSH // for places that are reached by ssh

	Agent string // the program's name, for the server's log

	// Warn is told what a person should know of the place, such as a promise that its server does not keep. Each fact is
	// told once for each opening. It may be nil.
	Warn func(message string)
}

// Warning tells a fact to Warn, if that is given.
func (a *Access) Warning(format string, args ...any) {
	if a.Warn != nil {
		a.Warn(fmt.Sprintf(format, args...))
	}
}

// SSH says how to run the ssh program, which has the user's configuration, keys and known hosts. The zero value is right
// for most.
type SSH struct {
	Program string   // "" for ssh in the search path
	Options []string // come before the name of the host, such as "-F" and a file
	Firn    string   // is the command that runs firn on the other host; "" for firn in its search path
}

// FirnCommand returns the command that runs firn on the other host.
func (s SSH) FirnCommand() string { return cmp.Or(s.Firn, "firn") }

// IsRemote reports whether a location is meant to be another place than a folder: it begins with a scheme.
func IsRemote(location string) bool { return Scheme(location) != "" }

// Scheme returns the word before the first colon of a location, in lower case, if that looks like the scheme of a URL, else
// "". A single letter is a drive of Windows. A folder whose name looks so is written with ./ before it.
func Scheme(location string) string {
	word, _, found := strings.Cut(location, ":")
	if !found || len(word) < 2 {
		return ""
	}
	for i, c := range []byte(word) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || strings.IndexByte("+-.", c) >= 0)) {
			return ""
		}
	}
	return strings.ToLower(word)
}
