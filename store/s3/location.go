package s3

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Location is the address of one repository in a bucket.
type Location struct {
	Endpoint string // host, or host:port; "" means Amazon
	Plain    bool   // HTTP without TLS
	Bucket   string
	Prefix   string // of the keys, without a slash at either end; may be empty
}

// amazon is the default endpoint. The client adds the region to it.
const amazon = "s3.amazonaws.com"

// scheme is the beginning of every location in a bucket.
const scheme = "s3:"

// IsLocation reports whether text is meant for [ParseLocation].
func IsLocation(text string) bool { return strings.HasPrefix(text, scheme) }

// ParseLocation reads the forms
//
//	s3://bucket/prefix                   at the endpoint, which is a URL or "" for Amazon
//	s3:https://host:port/bucket/prefix   at another; http:// is without TLS
//	s3:host:port/bucket/prefix           the same with TLS
//
// The prefix may have any number of parts, or none.
func ParseLocation(text, endpoint string) (Location, error) {
	l, err := parseLocation(text, endpoint)
	if errors.Is(err, errSecret) {
		return Location{}, fmt.Errorf("location of the repository: %w", err) // must not show the secret again
	}
	if err != nil {
		return Location{}, fmt.Errorf("repository %q: %w", text, err)
	}
	return l, nil
}

var errSecret = errors.New("keys do not belong there: other users can read a location")

func parseLocation(text, endpoint string) (Location, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return Location{}, fmt.Errorf("it does not begin with %q", scheme)
	}
	if path, ok := strings.CutPrefix(rest, "//"); ok {
		if endpoint == "" {
			endpoint = "https://" + amazon
		}
		rest = strings.TrimRight(endpoint, "/") + "/" + path
	}
	if !strings.Contains(rest, "://") {
		rest = "https://" + rest
	}
	u, err := url.Parse(rest)
	if err != nil && strings.Contains(rest, "@") {
		return Location{}, errSecret
	}
	if err != nil {
		return Location{}, errors.New("it is not a URL of the form s3:https://host:port/bucket/prefix")
	}
	return fromURL(u)
}

func fromURL(u *url.URL) (Location, error) {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return Location{}, fmt.Errorf("%q is neither https nor http", u.Scheme)
	case u.User != nil:
		return Location{}, errSecret
	case u.RawQuery != "" || u.Fragment != "":
		return Location{}, errors.New("? and # do not belong there")
	case u.Hostname() == "":
		return Location{}, errors.New("the host is missing")
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if bucket == "" {
		return Location{}, errors.New("the bucket is missing: s3:https://host:port/bucket/prefix")
	}
	if !validBucket(bucket, u.Host == amazon) {
		return Location{}, fmt.Errorf("no bucket can have the name %q: it takes 3 to 63 lowercase letters, digits, hyphens and dots, with a letter or a digit at each end", bucket)
	}
	l := Location{Endpoint: u.Host, Plain: u.Scheme == "http", Bucket: bucket, Prefix: prefix}
	if l.Endpoint == amazon && !l.Plain {
		l.Endpoint = ""
	}
	return l, l.checkPrefix()
}

// validBucket reports whether a bucket can have a name. Other servers than Amazon's allow capital letters and underscores.
func validBucket(name string, amazon bool) bool {
	if len(name) < 3 || len(name) > 63 || net.ParseIP(name) != nil || strings.Contains(name, "..") {
		return false
	}
	for i, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', !amazon && 'A' <= c && c <= 'Z':
		case i == 0 || i == len(name)-1:
			return false
		case c == '-', c == '.', !amazon && c == '_':
		default:
			return false
		}
	}
	return true
}

// checkPrefix refuses prefixes that some servers, and some tools that copy buckets to
// disks, would interpret in another way.
func (l Location) checkPrefix() error {
	if l.Prefix == "" {
		return nil
	}
	for part := range strings.SplitSeq(l.Prefix, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("prefix %q: empty parts, . and .. do not belong there", l.Prefix)
		}
	}
	return nil
}

// String returns the location in a form that [ParseLocation] reads. Two spellings of
// the same location have the same form.
func (l Location) String() string {
	path := "/" + l.Bucket
	if l.Prefix != "" {
		path += "/" + l.Prefix
	}
	switch {
	case l.Endpoint == "":
		return scheme + "/" + path
	case l.Plain:
		return scheme + "http://" + l.Endpoint + path
	}
	return scheme + "https://" + l.Endpoint + path
}

// host is the host and port to connect to.
func (l Location) host() string {
	if l.Endpoint == "" {
		return amazon
	}
	if host, port, err := net.SplitHostPort(l.Endpoint); err == nil && port == "" {
		return host
	}
	return l.Endpoint
}

// keyPrefix is the beginning of the keys of all objects.
func (l Location) keyPrefix() string {
	if l.Prefix == "" {
		return ""
	}
	return l.Prefix + "/"
}
