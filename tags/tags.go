// Package tags handles the labels of snapshots: the rules for a tag, sets of
// tags, and filters that select snapshots by their tags.
package tags

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLen is the largest length of a tag, in bytes.
const MaxLen = 128

// ErrInvalid is returned, wrapped with the tag and the reason, for text that
// cannot be a tag.
var ErrInvalid = errors.New("invalid tag")

// Environment returns the tag of snapshots of the environment name.
func Environment(name string) string { return "env_" + name }

// Database returns the tag of snapshots of the database name.
func Database(name string) string { return "db_" + name }

// Check returns an error that matches [ErrInvalid] unless tag is between 1 and
// [MaxLen] bytes of UTF-8 without commas and control characters, and without
// white space at its ends. A filter could not contain a tag with a comma, and a
// terminal would not show control characters and white space at the ends.
func Check(tag string) error {
	switch {
	case tag == "":
		return fmt.Errorf("%w: it is empty", ErrInvalid)
	case len(tag) > MaxLen:
		return fmt.Errorf("%w %.20q...: longer than %d bytes", ErrInvalid, tag, MaxLen)
	case !utf8.ValidString(tag):
		return fmt.Errorf("%w %q: not UTF-8", ErrInvalid, tag)
	case strings.Contains(tag, ","):
		return fmt.Errorf("%w %q: contains a comma", ErrInvalid, tag)
	case strings.ContainsFunc(tag, unicode.IsControl):
		return fmt.Errorf("%w %q: contains a control character", ErrInvalid, tag)
	case strings.TrimSpace(tag) != tag:
		return fmt.Errorf("%w %q: starts or ends with white space", ErrInvalid, tag)
	}
	return nil
}

// Set is a set of valid tags, sorted and without duplicates. The zero value is
// the empty set. Its JSON form is an array. Sets are values: no method changes
// its receiver.
type Set []string

// New returns the set of the given tags, or an error that matches [ErrInvalid].
func New(tags ...string) (Set, error) {
	for _, tag := range tags {
		if err := Check(tag); err != nil {
			return nil, err
		}
	}
	s := slices.Clone(tags)
	slices.Sort(s)
	return slices.Compact(s), nil
}

// Parse reads a comma-separated list of tags, as [Set.String] writes it. White
// space around the tags is dropped. Empty tags are errors, and so is an empty
// list: it usually comes from a shell variable that is not set.
func Parse(list string) (Set, error) {
	tags := strings.Split(list, ",")
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	s, err := New(tags...)
	if err != nil {
		return nil, fmt.Errorf("parse tags %q: %w", list, err)
	}
	return s, nil
}

// String returns the tags separated by commas.
func (s Set) String() string { return strings.Join(s, ",") }

// Has reports whether tag is in the set.
func (s Set) Has(tag string) bool { return slices.Contains(s, tag) }

// HasAll reports whether every tag of other is in the set.
func (s Set) HasAll(other Set) bool {
	return !slices.ContainsFunc(other, func(tag string) bool { return !s.Has(tag) })
}

// Add returns the set with the given tags, or an error that matches
// [ErrInvalid]. Tags that s already has are not an error.
func (s Set) Add(tags ...string) (Set, error) {
	return New(slices.Concat(s, tags)...)
}

// Remove returns the set without the given tags. Tags that s does not have are
// not an error.
func (s Set) Remove(tags ...string) Set {
	return slices.DeleteFunc(slices.Clone(s), func(tag string) bool {
		return slices.Contains(tags, tag)
	})
}

// MarshalJSON returns the tags as an array, never null.
func (s Set) MarshalJSON() ([]byte, error) {
	if s == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]string(s))
}

// UnmarshalJSON reads an array of tags in any order.
func (s *Set) UnmarshalJSON(b []byte) error {
	var tags []string
	if err := json.Unmarshal(b, &tags); err != nil {
		return err
	}
	set, err := New(tags...)
	if err != nil {
		return err
	}
	*s = set
	return nil
}
