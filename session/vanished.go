package session

import (
	"context"
	"fmt"

	"firn/config"
	"firn/outcome"
	"firn/report"
)

// Vanished reports whether an environment is one of a pattern's, and its file is gone, certainly and without its folder. The
// environment is not gone then: its snapshots are kept, and a restore makes the file again.
func (s *Session) Vanished(ctx context.Context, l *config.Listing, environment, database string) bool {
	env := s.Conf.Lookup(environment)
	if env == nil || env.Pattern == "" || env.DatabaseName != database || l.Has(environment) || l.Lacks(env.Pattern) {
		return false
	}
	return s.MissingDatabase(ctx, env.Database)
}

// Emptied returns an error for each pattern that no file fits although backups of its environments are stored. All tenants do
// not leave at once: it is more likely that a disk is not mounted.
func (k *Catalog) Emptied(l *config.Listing) (emptied []*config.ListError) {
	for _, table := range l.Empty {
		n := 0
		for _, name := range Environments(OfBackups(k.All)) {
			if env := k.Conf.Lookup(name); env != nil && env.Pattern == table.Name {
				n++
			}
		}
		if n > 0 {
			err := fmt.Errorf("no file fits %s, and there are snapshots of %s", table.Database, report.Plural(n, "environment"))
			hint := "Check that its disk is mounted. If the databases are gone for good, remove the pattern: their snapshots stay."
			emptied = append(emptied, &config.ListError{Table: table, Whole: true, Err: outcome.New(err, outcome.CodeSource, hint)})
		}
	}
	return emptied
}
