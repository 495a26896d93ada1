package proof

import (
	"strings"

	"firn/snapshot"
)

// Rules say what databases are checked for. The zero value is for everything.
type Rules struct {
	// NoForeignKeys leaves foreign keys out: SQLite does not enforce them by default, and some applications do not keep them.
	NoForeignKeys bool
}

// How returns the way of a check as these rules have it, for a record: see [snapshot.HowPages].
func (r Rules) How(way string) string {
	if r.NoForeignKeys {
		return strings.Replace(way, snapshot.HowForeignKeys, "", 1)
	}
	return way
}

// rulesOf returns the rules that an outcome covers.
func rulesOf(v *snapshot.Verification) Rules {
	return Rules{NoForeignKeys: !strings.Contains(v.How, snapshot.HowForeignKeys)}
}

// within returns the rules that cover what both do.
func (r Rules) within(other Rules) Rules {
	return Rules{NoForeignKeys: r.NoForeignKeys || other.NoForeignKeys}
}
