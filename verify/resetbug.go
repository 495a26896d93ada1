package verify

import (
	"context"
	"time"

	"firn/session"
	"firn/site"
	"firn/sqlite/users"
)

// usersLimit is how long the search for the programs that use a database may take: nothing depends on what it finds.
const usersLimit = 5 * time.Second

// samples is how many databases of a pattern are looked at: as a rule, one application uses all of them.
const samples = 8

// WarnResetBug warns of programs whose SQLite can lose commits of a configured database in WAL mode. This takes as long as
// a backup of a database that has not changed, so only some commands do it.
func WarnResetBug(ctx context.Context, s *session.Session) {
	told := map[users.User]bool{}
	looked := map[string]int{}
	for _, env := range s.Conf.All().Environments {
		if env.Remote() {
			continue
		}
		if looked[env.Pattern]++; env.Pattern != "" && looked[env.Pattern] > samples {
			continue
		}
		for _, user := range usersOf(ctx, s, env.Database) {
			if told[user] || !users.MayLoseCommits(user.Version) {
				continue
			}
			told[user] = true
			s.Warn("%s: process %d (%s) uses the database with SQLite %s, which can lose commits in WAL mode when two connections checkpoint (fixed in 3.51.3, 3.50.7 and 3.44.6): update it",
				env.Name, user.Process, user.Command, user.Version)
		}
	}
}

// usersOf returns the programs that use a database. It returns none if the system does not answer soon.
func usersOf(ctx context.Context, s *session.Session, database string) []users.User {
	dog := site.NewWatchdog(ctx, s.Silence)
	dog.Silence = usersLimit
	found := make(chan []users.User, 1)
	err := dog.Call(func() error { found <- users.Of(database); return nil }, site.Nothing)
	if err != nil {
		return nil
	}
	return <-found
}
