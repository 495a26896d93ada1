package rclone

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"firn/store"
)

// version is the three numbers of a version.
type version [3]int

func oldest() version  { return version{1, 68, 1} } // the first that takes the keys of its server from a variable
func careful() version { return version{1, 76, 0} } // the first whose server honours If-None-Match, and writes no half objects

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// before reports whether this version is older than another.
func (v version) before(w version) bool { return slices.Compare(v[:], w[:]) < 0 }

// findVersion asks the program for its version. The error is [store.ErrOldRclone] for one that is too old, or says none.
func findVersion(ctx context.Context, o *Options) (version, error) {
	text, err := o.output(ctx, "version")
	if err != nil {
		return version{}, err
	}
	v, err := parseVersion(text)
	if err == nil && v.before(oldest()) {
		err = fmt.Errorf("%w: it is version %s, and %s is the oldest that can", store.ErrOldRclone, v, oldest())
	}
	return v, err
}

// firstLine is what "rclone version" begins with. Builds that are no releases have more behind the numbers.
var firstLine = regexp.MustCompile(`(?m)^rclone v(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

func parseVersion(text string) (v version, err error) {
	numbers := firstLine.FindStringSubmatch(text)
	if numbers == nil {
		line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		return v, fmt.Errorf(`%w: "rclone version" says %.80q`, store.ErrOldRclone, line)
	}
	for i, digits := range numbers[1:] {
		if digits == "" {
			continue // "v1.76"
		}
		n, e := strconv.Atoi(digits)
		v[i], err = n, errors.Join(err, e)
	}
	return v, err
}
