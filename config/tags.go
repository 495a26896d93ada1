package config

import (
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/tags"
)

// CheckTags refuses tags of the user's by which a snapshot would be taken for another
// environment's, another database's, or for one that a restore took.
func CheckTags(set tags.Set, environment, database string) error {
	for _, tag := range set.Remove(tags.Environment(environment), tags.Database(database)) {
		if strings.HasPrefix(tag, tags.Environment("")) || strings.HasPrefix(tag, tags.Database("")) || tag == repo.PreRestoreTag {
			return OwnTag(tag)
		}
	}
	return nil
}

// OwnTag is the error for a tag that says what a snapshot is, and that people must not set or remove.
func OwnTag(tag string) error {
	return outcome.Usage("Take another one: env_..., db_... and "+repo.PreRestoreTag+" say what a snapshot is.", "tag %q is firn's own", tag)
}
