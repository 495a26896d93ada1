package session

import (
	"firn/config"
	"firn/proof"
	"fmt"
	"strings"

	"firn/snapshot"
)

// DescribeCheck says how a snapshot was looked at, on what that rests, and what could not be looked at.
func (c *Caller) DescribeCheck(v *snapshot.Verification) string {
	how, own := strings.CutSuffix(v.How, snapshot.HowOwnSQL)
	parts := []string{how}
	switch {
	case v.ByDifference() && v.Since.IsZero():
		parts[0] = "proven by what changed since a snapshot all of which was checked on " + c.When(v.Checked())
	case v.ByDifference():
		parts[0] = fmt.Sprintf("proven by what changed since %s, all of which was checked on %s", v.Since.Short(), c.When(v.Checked()))
	case !v.Whole.IsZero():
		parts[0] += " on " + c.When(v.Whole)
	case own:
		parts, own = []string{v.How}, false
	}
	if own {
		parts = append(parts, strings.TrimPrefix(snapshot.HowOwnSQL, ", "))
	}
	if len(v.Unchecked) > 0 {
		parts = append(parts, "in part: "+strings.Join(v.Unchecked, "; "))
	}
	return strings.Join(parts, "; ")
}

// ProofRules returns what databases of an environment are checked for; nil for one that is not configured.
func (s *Session) ProofRules(env *config.Environment) proof.Rules {
	return proof.Rules{NoForeignKeys: env != nil && !env.KeepsForeignKeys()}
}
