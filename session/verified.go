package session

import (
	"firn/snapshot"
)

// CheckedHow is the way of looking at a snapshot that a note names when SQLite has checked its database.
const CheckedHow = "integrity, foreign keys"

// DescribeCheck says how a snapshot was looked at, and what could not be.
func DescribeCheck(v *snapshot.Verification) string {
	if v.Unchecked == "" {
		return v.How
	}
	return v.How + "; in part: " + v.Unchecked
}
