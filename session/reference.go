package session

import (
	"slices"
	"strings"

	"firn/config"
	"firn/snapshot"
)

// IsReference reports whether a word names a snapshot, and is no environment of the configuration or of the list.
func IsReference(conf *config.Config, list []*snapshot.Snapshot, word string) bool {
	means := word == "latest" || word == snapshot.LatestVerified || isTime(word) || MeansSnapshot(word)
	return means && conf.Env[word] == nil && !slices.Contains(Environments(list), word)
}

// MeansSnapshot reports whether a word names one snapshot by itself: by its ID, or the latest of an environment.
func MeansSnapshot(ref string) bool {
	if strings.HasPrefix(ref, "latest:") || strings.HasPrefix(ref, snapshot.LatestVerified+":") {
		return true
	}
	return IsID(ref)
}

// isTime reports whether a word begins as a time does: 2026-11.
func isTime(ref string) bool {
	return len(ref) >= 5 && strings.Trim(ref[:4], "0123456789") == "" && ref[4] == '-'
}
