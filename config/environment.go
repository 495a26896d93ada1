package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"firn/outcome"
	"firn/snapshot"
	"firn/tags"
)

// Environment is one database that is backed up under a name.
type Environment struct {
	Name          string `toml:"-"` // the key of its table
	NamesDatabase bool   `toml:"-"` // DatabaseName is configured, not derived from the file's name
	Pattern       string `toml:"-"` // the key of the pattern's table that the environment is from; "" for a table of its own

	Database     string   `toml:"database"` // a path, or a location on another host: see [Environment.Remote]
	From         string   `toml:"from"`     // the other host
	DatabaseName string   `toml:"name"`
	Tags         []string `toml:"tags"`
	Export       string   `toml:"export"`
	MaxAge       Duration `toml:"max_age"`
	Stop         string   `toml:"stop"`
	Start        string   `toml:"start"`
	Before       string   `toml:"before"`
	After        string   `toml:"after"`
	OnFailure    string   `toml:"on_failure"`
	Ping         string   `toml:"ping"`

	HookTimeout Duration `toml:"hook_timeout"` // of Before, After and OnFailure
	Scrub       string   `toml:"scrub"`
	Verify      string   `toml:"verify"`
	Keep        Keep     `toml:"keep"`

	BlockWriters bool   `toml:"block_writers"` // a backup may block writers for its whole time, rather than fail
	Prove        *bool  `toml:"prove"`         // nil: true
	ForeignKeys  *bool  `toml:"foreign_keys"`  // nil: true
	Guard        *bool  `toml:"guard"`         // nil: true
	MaxShrink    *Share `toml:"max_shrink"`    // nil: defaultMaxShrink
	RequireScrub bool   `toml:"require_scrub"` // unscrubbed data may neither leave nor enter

	Exclude []string `toml:"exclude"` // names of files that a pattern leaves out

	Watch *bool     `toml:"watch"` // nil: true
	Hold  *bool     `toml:"hold"`  // nil: true
	Every *Duration `toml:"every"` // between two rounds; nil: as for all

	real string // the path of the database without symbolic links, if a listing has found it
}

// DefaultDatabaseName returns the default name of a database: the name of its file without the extension.
func DefaultDatabaseName(path string) string {
	base := filepath.Base(path)
	return cmp.Or(strings.TrimSuffix(base, filepath.Ext(base)), base)
}

// Validate returns the first thing that is wrong with the values, nil if they can be used.
func (e *Environment) Validate() error {
	if e.Database == "" {
		return errors.New("database is missing")
	}
	if e.Stop != "" && e.Start == "" {
		return errors.New("stop is given and start is not: the application would stay stopped")
	}
	if err := e.checkRemote(); err != nil {
		return err
	}
	_, err := e.Keep.policy()
	if err != nil {
		err = fmt.Errorf("keep: %w", err)
	}
	_, ageErr := e.MaxAge.value("max_age")
	set, tagErr := tags.New(e.Tags...)
	if tagErr == nil {
		tagErr = CheckTags(set, e.Name, e.DatabaseName)
	}
	return errors.Join(CheckExport(e.Export), CheckNames(e.Name, e.DatabaseName), tagErr, ageErr, err, e.checkHooks(), e.checkGuard(), e.Every.checkEvery())
}

// CheckNames returns an error if a name cannot be used: names must be valid tags, and "firn backup" would take an environment
// that begins with - for a flag.
func CheckNames(environment, database string) error {
	if strings.HasPrefix(environment, "-") {
		return outcome.Usage("", "environment %q: a name that begins with - would be taken for a flag", environment)
	}
	for _, name := range []struct{ tag, hint string }{
		{tags.Environment(environment), "Give the environment another name."},
		{tags.Database(database), `Give the database a name with --name, or with name = "..." in the configuration.`},
	} {
		if _, err := tags.New(name.tag); err != nil {
			return outcome.Usage(name.hint, "names of environments and databases are tags, too: %w", err)
		}
	}
	return nil
}

// CheckExport returns an error if a name is no way to take an image, such as [snapshot.ExportPages]. The empty name is the
// default.
func CheckExport(export string) error {
	switch export {
	case "", snapshot.ExportPages, snapshot.ExportCompact:
		return nil
	}
	return fmt.Errorf("export is %q, not %q or %q", export, snapshot.ExportPages, snapshot.ExportCompact)
}

// DefaultMaxAge is the limit of environments without max_age: the time between daily backups and one hour more.
const DefaultMaxAge = 25 * time.Hour
