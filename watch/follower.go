package watch

import (
	"context"
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/sqlite"
)

// Follower is a [site.Follower]. Its methods may be called by several goroutines at once.
type Follower interface {
	Peek() error
	Look(ctx context.Context) (changed bool, err error)
	Source(opts sqlite.Options) repo.Source
	State() sqlite.FollowerState
	Hold()
	Release() error
	Close() error
}

// newFollower returns the follower of an environment's database.
func newFollower(s *session.Session, env *config.Environment) Follower {
	return site.NewFollower(env.Database, env.Held(), s.Silence, s.Now)
}

// settingsOf returns what a configuration says of a watch.
func settingsOf(conf *config.Config) settings {
	return settings{every: conf.Watch.Interval(), confirm: conf.Watch.ConfirmEvery()}
}

// intervalOf returns the time between two rounds of an environment.
func intervalOf(conf *config.Config, env *config.Environment) time.Duration {
	return env.WatchInterval(conf)
}

// expand lists the environments with some names, or all without names. The problems are those of single patterns and files.
func expand(conf *config.Config, names []string) (envs []*config.Environment, problems []error, err error) {
	l := conf.All()
	if len(names) > 0 {
		if l, err = conf.Select(names); err != nil {
			return nil, nil, err
		}
	}
	for _, e := range l.Errors {
		problems = append(problems, e)
	}
	return l.Environments, problems, nil
}

// patternFolders returns the folders in which patterns look for files.
func patternFolders(conf *config.Config) (folders []string) {
	for _, table := range conf.Tables() {
		if table.Pattern != "" {
			folders = append(folders, table.Folder())
		}
	}
	return folders
}
