package retention

import (
	"bytes"
	"fmt"
	"strconv"
)

// Count is how many snapshots or periods a rule keeps: a number, or [All].
// As text and in JSON it is the number or "all".
type Count int

// All is the count without a limit.
const All Count = -1

const all = "all"

// ParseCount reads a number that is not negative, or "all".
func ParseCount(s string) (Count, error) {
	if s == all {
		return All, nil
	}
	// A count has 31 bits, so that it means the same on every machine.
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("parse count %q: want a number or %q", s, all)
	}
	return Count(n), nil
}

// String returns the form that [ParseCount] reads.
func (c Count) String() string {
	if c == All {
		return all
	}
	return strconv.Itoa(int(c))
}

// MarshalText returns the form of [Count.String].
func (c Count) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what [ParseCount] reads.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := ParseCount(string(text))
	if err != nil {
		return err
	}
	*c = n
	return nil
}

// MarshalJSON returns a JSON number, or the string "all".
func (c Count) MarshalJSON() ([]byte, error) {
	if c == All {
		return []byte(`"` + all + `"`), nil
	}
	return []byte(c.String()), nil
}

// UnmarshalJSON reads a JSON number, or a string that [ParseCount] reads.
func (c *Count) UnmarshalJSON(b []byte) error {
	return c.UnmarshalText(bytes.Trim(b, `"`))
}

// covers reports whether the count includes the n-th element, counted from 1.
func (c Count) covers(n int) bool { return c == All || n <= int(c) }
