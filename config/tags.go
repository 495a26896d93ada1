package config

import (
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/tags"
)

// CheckTags returns an error if one of the user's tags would give a snapshot another environment or database, or mark it as a
// snapshot that a restore took.
func CheckTags(set tags.Set, environment, database string) error {
	for _, tag := range set.Remove(tags.Environment(environment), tags.Database(database)) {
		if strings.HasPrefix(tag, tags.Environment("")) || strings.HasPrefix(tag, tags.Database("")) || tag == repo.PreRestoreTag {
			return OwnTag(tag)
		}
	}
	return nil
}

// OwnTag returns the error for a tag that only firn may set or remove, since the tag says what a snapshot is.
func OwnTag(tag string) error {
	return outcome.Usage("Take another one: env_..., db_... and "+repo.PreRestoreTag+" say what a snapshot is.", "tag %q is firn's own", tag)
}
