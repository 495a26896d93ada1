package watch

import (
	"context"
	"slices"
	"time"

	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/sqlite"
)

// Follower is a [site.Follower], or a [pull.Follower] of a database on another host. Its methods may be called by several goroutines at once.
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
	if env.Remote() {
		if host, path, err := s.Reach(env.Database); err == nil { // the configuration was checked
			return host.Follower(path, env.Held())
		}
	}
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

// listing is what the environments of a watch are now.
type listing struct {
	envs     []*config.Environment
	problems []error                        // of single patterns and files
	lacks    func(*config.Environment) bool // an environment that is not listed belongs to a pattern whose folder is gone or empty
}

// expand lists the environments with some names, or all without names.
func expand(conf *config.Config, names []string) (listing, error) {
	l := conf.All()
	if len(names) > 0 {
		var err error
		if l, err = conf.Select(names); err != nil {
			return listing{}, err
		}
	}
	var problems []error
	for _, e := range l.Errors {
		problems = append(problems, e)
	}
	lacks := func(env *config.Environment) bool {
		empty := slices.ContainsFunc(l.Empty, func(table *config.Environment) bool { return table.Name == env.Pattern })
		return env.Pattern != "" && (empty || l.Lacks(env.Pattern))
	}
	return listing{l.Environments, problems, lacks}, nil
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
