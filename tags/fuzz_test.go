package tags_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"firn/tags"
)

// FuzzParse checks that an accepted list has one written form, and that a filter accepts
// the same lists.
func FuzzParse(f *testing.F) {
	for _, list := range []string{"", "a", "b, a,a", "env_production,db_app", "a,,b", " \u00a0", "\x1b[31m", "\xff", strings.Repeat("x", 129)} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		s, err := tags.Parse(list)
		filter, filterErr := tags.ParseFilter([]string{list})
		if (err == nil) != (filterErr == nil) {
			t.Fatalf("%q: as a list %v, as a filter %v", list, err, filterErr)
		}
		if err != nil {
			if !errors.Is(err, tags.ErrInvalid) {
				t.Errorf("%q: got %v, want ErrInvalid", list, err)
			}
			return
		}
		if again, err := tags.Parse(s.String()); err != nil || !slices.Equal(again, s) {
			t.Errorf("%q is %q, which is %q, %v", list, s, again, err)
		}
		if !filter.Match(s) || !slices.IsSorted(s) {
			t.Errorf("%q: %q does not match itself, or is not sorted", list, s)
		}
	})
}

// FuzzUnmarshal checks that a JSON document is accepted only if it is a set of valid
// tags.
func FuzzUnmarshal(f *testing.F) {
	for _, document := range []string{"[]", "null", `["b","a","a"]`, `["a,b"]`, `[" a"]`, `[7]`, `{}`, `["\u0000"]`} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var s tags.Set
		if json.Unmarshal(document, &s) != nil {
			return
		}
		for _, tag := range s {
			if err := tags.Check(tag); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
		b, err := json.Marshal(s)
		var again tags.Set
		if err == nil {
			err = json.Unmarshal(b, &again)
		}
		if err != nil || !slices.Equal(again, s) {
			t.Errorf("%s is %q, and %q after another round, %v", document, s, again, err)
		}
	})
}
