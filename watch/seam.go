package watch

import (
	"cmp"
	"context"
	"errors"
	"time"

	"firn/config"
	"firn/repo"
	"firn/retention"
	"firn/session"
	"firn/sqlite"
)

// This file has what other branches bring. Each function is to be replaced by the call that its comment names.

// Follower is site.Follower. Its methods may be called by several goroutines at once.
type Follower interface {
	Peek() error
	Look(ctx context.Context) (changed bool, err error)
	Source(opts sqlite.Options) repo.Source
	State() FollowerState
	Hold()
	Release() error
	Close() error
}

// FollowerState is sqlite.FollowerState.
type FollowerState struct {
	JournalMode string           // "" before the database was opened
	Held        bool             // a connection is held
	NotHeld     string           // why no connection is held; "" if one is
	Rule        string           // by which the last change was taken in
	Full        map[string]int64 // number of images that were read whole, by cause
	Commits     int64            // seen
	Frames      int64            // taken in
	Changed     time.Time        // when the last change was noticed
	Err         error            // of the last call that has failed
}

// newFollower is site.NewFollower(env.Database, env.Held(), silence, s.Now).
func newFollower(*session.Session, *config.Environment) Follower { return noFollower{} }

// settingsOf is conf.Watch.Interval, conf.Watch.ConfirmEvery.
func settingsOf(*config.Config) settings {
	return settings{every: 10 * time.Second, confirm: time.Minute}
}

// intervalOf is env.WatchInterval(conf).
func intervalOf(conf *config.Config, _ *config.Environment) time.Duration {
	return settingsOf(conf).every
}

// isWatched is env.Watched.
func isWatched(*config.Environment) bool { return true }

// isHeld is env.Held.
func isHeld(*config.Environment) bool { return true }

// listing is a config.Listing.
type listing struct {
	envs     []*config.Environment
	problems []error                        // of single patterns and files
	lacks    func(*config.Environment) bool // an environment that is not listed belongs to a pattern whose folder is gone or empty
}

// expand is conf.All without names, and conf.Select(names) with some.
func expand(conf *config.Config, names []string) (l listing, err error) {
	l.lacks = func(*config.Environment) bool { return false }
	if len(names) == 0 {
		names = conf.Names()
	}
	for _, name := range names {
		env, err := conf.Environment(name)
		if err != nil {
			return l, err
		}
		l.envs = append(l.envs, env)
	}
	return l, nil
}

// patternFolders is the Folder of each of conf.Tables with a Pattern.
func patternFolders(*config.Config) []string { return nil }

// policyOf is conf.WatchPolicyOf(env).
func policyOf(conf *config.Config, env *config.Environment) (retention.Policy, error) {
	return conf.PolicyOf(env, nil)
}

// noFollower stands in for a follower.
type noFollower struct{}

func (noFollower) Peek() error                        { return nil }
func (noFollower) Look(context.Context) (bool, error) { return true, nil }
func (noFollower) Source(sqlite.Options) repo.Source {
	return func(context.Context) (repo.SourceImage, error) { return nil, errors.New("not built yet") }
}
func (noFollower) State() FollowerState { return FollowerState{JournalMode: cmp.Or("wal")} }
func (noFollower) Hold()                {}
func (noFollower) Release() error       { return nil }
func (noFollower) Close() error         { return nil }
