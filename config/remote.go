package config

import (
	"errors"
	"fmt"
	"strings"

	"firn/ssh"
)

// The location of a database on another host is ssh://user@host:port/path. In the configuration, "from" has the part before
// the path. The database of an environment is such a location as a whole, or a path on this host.
const remoteScheme = "ssh://"

// IsRemote reports whether the location of a database is on another host.
func IsRemote(database string) bool { return strings.HasPrefix(database, remoteScheme) }

// Remote reports whether the database is on another host, and is pulled.
func (e *Environment) Remote() bool { return IsRemote(e.Database) }

// join makes one location of from and database. A mistake is left for [Environment.checkRemote].
func (e *Environment) join() {
	if e.From == "" || e.Database == "" || !IsRemote(e.From) {
		return
	}
	e.Database = strings.TrimSuffix(e.From, "/") + "/" + strings.TrimPrefix(strings.ReplaceAll(e.Database, "%", "%25"), "/")
}

// checkRemote returns an error for a location of another host that cannot be right.
func (e *Environment) checkRemote() error {
	switch {
	case e.From != "" && !IsRemote(e.From):
		return fmt.Errorf("from is %q: want ssh://user@host", e.From)
	case e.From != "" && strings.Count(strings.TrimSuffix(strings.TrimPrefix(e.From, remoteScheme), "/"), "/") > 0:
		return errors.New("from has a path: want ssh://user@host, and the path on that host as database")
	case !e.Remote():
		return nil
	case strings.Contains(e.Name, star) || e.Pattern != "":
		return errors.New("a pattern stands for files of this host: give each database of another host a table")
	}
	_, path, err := ssh.ParseURL("ssh", e.Database)
	if err != nil {
		return fmt.Errorf("database %s: %w", e.Database, err)
	}
	if clean := "/" + strings.Trim(path, "/"); strings.Contains(clean+"/", "/../") || strings.Contains(clean+"/", "/./") {
		return fmt.Errorf("database %s: the path on the other host has . or .. in it", e.Database)
	}
	return nil
}
