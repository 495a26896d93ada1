package session

import (
	"context"
	"errors"
	"fmt"

	"firn/config"
	"firn/outcome"
	"firn/pull"
	"firn/repo"
	"firn/site"
	"firn/sqlite"
)

// Source returns the database at a path or on another host as a source of backups.
func (s *Session) Source(database string, o sqlite.Options) repo.Source {
	if !config.IsRemote(database) {
		return site.WatchedSource(s.Silence, database, o)
	}
	host, path, err := s.Reach(database)
	if err != nil {
		return func(context.Context) (repo.SourceImage, error) { return nil, err }
	}
	return host.Source(path, o)
}

// Reach returns the host of a database that is on another one, and its path there. It does not connect.
func (s *Session) Reach(database string) (*pull.Host, string, error) {
	d, err := pull.Parse(database)
	if err != nil {
		return nil, "", outcome.Usage("The form is ssh://user@host:port/path.", "%w", err)
	}
	if s.hosts == nil {
		return nil, "", fmt.Errorf("session: internal error: no databases of other hosts are used here")
	}
	return s.hosts.At(d.Host), d.Path, nil
}

// SizeOf returns the size of a database in bytes, with the rights of the users who can change its folder.
func (s *Session) SizeOf(ctx context.Context, database string) (size int64, err error) {
	if config.IsRemote(database) {
		host, path, err := s.Reach(database)
		if err != nil {
			return 0, err
		}
		return host.Size(ctx, path)
	}
	at, err := site.Reach(database)
	if err != nil {
		return 0, outcome.OfSource(fmt.Errorf("open database %s: %w", database, err))
	}
	info, err := at.Stat("")
	if err == nil {
		size = info.Size()
	}
	if err := errors.Join(err, at.Close()); err != nil {
		return 0, outcome.OfSource(fmt.Errorf("open database %s: %w", database, err))
	}
	return size, nil
}
