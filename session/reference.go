package session

import (
	"cmp"
	"slices"
	"strings"

	"firn/config"
	"firn/snapshot"
)

// IsReference reports whether a word names a snapshot, and is no environment of the configuration or of the list.
func IsReference(conf *config.Config, list []*snapshot.Snapshot, word string) bool {
	means := word == "latest" || word == snapshot.LatestVerified || isTime(word) || isMoment(word) || MeansSnapshot(word)
	return means && !conf.Knows(word) && !slices.Contains(Environments(list), word)
}

// MeansSnapshot reports whether a word names one snapshot by itself: by its ID, or as the latest of an environment, or the one
// of an environment that counts at a moment.
func MeansSnapshot(ref string) bool { return NamedEnvironment(ref) != "" || IsID(ref) }

// NamedEnvironment returns the environment that a reference names: latest:ENV, latest-verified:ENV, ENV@TIME. It is "" if there
// is none.
func NamedEnvironment(ref string) string {
	environment, _, _ := SplitMoment(ref)
	return cmp.Or(namedByWord(ref), environment)
}

// namedByWord is [NamedEnvironment] for latest and latest-verified.
func namedByWord(ref string) string {
	if word, environment, _ := strings.Cut(ref, ":"); word == "latest" || word == snapshot.LatestVerified {
		return environment
	}
	return ""
}

// isMoment reports whether a word is a reference to a moment.
func isMoment(ref string) bool {
	_, _, ok := SplitMoment(ref)
	return ok
}

// isTime reports whether a word begins as a time does: 2026-11.
func isTime(ref string) bool {
	return len(ref) >= 5 && strings.Trim(ref[:4], "0123456789") == "" && ref[4] == '-'
}
