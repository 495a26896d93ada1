package tags

import (
	"slices"
	"strings"
)

// Filter selects sets of tags: a set matches if it has all tags of at least one
// alternative. The zero value matches every set.
type Filter []Set

// ParseFilter reads the values of a repeated flag, as restic does: a comma
// inside one value means "and", several values mean "or". Without any value the
// filter matches every set. An empty value is an error that matches
// [ErrInvalid]: it usually comes from a shell variable that is not set, and
// must not select other snapshots than the user meant.
func ParseFilter(values []string) (Filter, error) {
	var f Filter
	for _, value := range values {
		all, err := Parse(value)
		if err != nil {
			return nil, err
		}
		f = append(f, all)
	}
	return f, nil
}

// Match reports whether the filter selects s.
func (f Filter) Match(s Set) bool {
	return len(f) == 0 || slices.ContainsFunc(f, s.HasAll)
}

// String returns the filter in words, for messages: "db_app,weekly or manual".
func (f Filter) String() string {
	alternatives := make([]string, len(f))
	for i, all := range f {
		alternatives[i] = all.String()
	}
	return strings.Join(alternatives, " or ")
}
