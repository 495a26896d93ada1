package config

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"firn/host"
	"firn/outcome"
)

// Lookup returns the environment with a name, nil if there is none: that of a table of its own, or else that of a pattern.
// It reads no folder, so it finds the environment of a file that has vanished, too. A pattern fits many a word that nobody means as
// a name: see [Config.Knows].
func (conf *Config) Lookup(name string) *Environment {
	if env := conf.Env[name]; env != nil {
		return env
	}
	for _, p := range conf.patterns {
		if env := p.named(name); env != nil {
			return env
		}
	}
	return nil
}

// Knows reports whether a word is the name of an environment that has a table of its own, or a file that fits its pattern. A
// file counts unless it is certain not to be there.
func (conf *Config) Knows(name string) bool {
	env := conf.Lookup(name)
	if env == nil || env.Pattern == "" {
		return env != nil
	}
	_, _, err := host.Look(env.Database)
	return !errors.Is(err, fs.ErrNotExist)
}

// Environment returns the configured environment with a name, as [Config.Lookup] finds it. An unknown name is a usage error that
// lists the tables.
func (conf *Config) Environment(name string) (*Environment, error) {
	if env := conf.Lookup(name); env != nil {
		return env, nil
	}
	if conf.Path == "" {
		return nil, outcome.Usage("Write one, or give --database FILE --env NAME.", "environment %q: there is no configuration file", name)
	}
	return nil, outcome.Usage("Configured are: "+cmp.Or(strings.Join(conf.TableNames(), ", "), "none")+".",
		"environment %q is not in %s", name, conf.Path)
}

// Tables returns the tables of environments, sorted by name. The table of a pattern stands for all of the pattern's environments: its
// name and its database have a *.
func (conf *Config) Tables() []*Environment {
	tables := slices.Collect(maps.Values(conf.Env))
	for _, p := range conf.patterns {
		tables = append(tables, p.table)
	}
	slices.SortFunc(tables, byName)
	return tables
}

// Table returns the table with a name, or the environment of a pattern. An unknown name is an error as in [Config.Environment].
func (conf *Config) Table(name string) (*Environment, error) {
	for _, p := range conf.patterns {
		if p.table.Name == name {
			return p.table, nil
		}
	}
	return conf.Environment(name)
}

// TableNames returns the names of [Config.Tables].
func (conf *Config) TableNames() (names []string) {
	for _, table := range conf.Tables() {
		names = append(names, table.Name)
	}
	return names
}

// ownNames returns the names in Env, sorted.
func (conf *Config) ownNames() []string { return slices.Sorted(maps.Keys(conf.Env)) }

func byName(a, b *Environment) int { return cmp.Compare(a.Name, b.Name) }

// bareKey matches what needs no quotes in a table's header.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Header returns the header of the table that the environment is configured in, for messages.
func (e *Environment) Header() string {
	name := cmp.Or(e.Pattern, e.Name)
	if !bareKey.MatchString(name) {
		name = strconv.Quote(name)
	}
	return "[env." + name + "]"
}
