package session_test

import (
	"testing"
	"time"

	"firn/session"
	"firn/snapshot"
)

func TestDescribeCheck(t *testing.T) {
	t.Parallel()
	c := &session.Caller{Zone: time.UTC}
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	monday, id := now.Add(-6*24*time.Hour), snapshot.ID{0xab, 0xcd, 0xef, 0x01, 0x23}
	for want, v := range map[string]snapshot.Verification{
		"integrity, foreign keys":                                     {How: snapshot.HowSQLite},
		"integrity, foreign keys, verify SQL":                         {How: snapshot.HowSQLite + snapshot.HowOwnSQL},
		"all pages, foreign keys on 2026-03-09 03:12 UTC; verify SQL": {How: snapshot.HowPages + snapshot.HowOwnSQL, Whole: monday},
		"all pages, foreign keys; in part: index i; table t":          {How: snapshot.HowPages, Unchecked: []string{"index i", "table t"}},
		"read": {How: "read"},
		"proven by what changed since abcdef01, all of which was checked on 2026-03-09 03:12 UTC": {How: snapshot.HowDifference, Since: id, Whole: monday},
		"proven by what changed since a snapshot all of which was checked on 2026-03-09 03:12 UTC; verify SQL; in part: index i": {
			How: snapshot.HowDifference + snapshot.HowOwnSQL, Whole: monday, Unchecked: []string{"index i"},
		},
	} {
		v.Time = now
		if got := c.DescribeCheck(&v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
