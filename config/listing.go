package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"firn/host"
	"firn/outcome"
)

// listLimit is how long the listing of a folder may take: a lost file server never answers.
const listLimit = 30 * time.Second

// ListError says why a pattern's folder cannot be listed, or why a file that fits the pattern is no environment. The other
// environments are not affected.
type ListError struct {
	Table *Environment // the pattern's: its commands and its monitor can be told
	Whole bool         // no environment of the pattern is known; else the error is of one file
	Err   error
}

// Error names the pattern.
func (e *ListError) Error() string { return e.Table.Header() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ListError) Unwrap() error { return e.Err }

// Listing is what a look at the folders of patterns has found. It is not changed once it was returned.
type Listing struct {
	Environments []*Environment
	Errors       []*ListError   // of patterns and files that give no environment
	Empty        []*Environment // the tables of patterns that no file fits
}

// All lists all configured environments, sorted by name: those with tables of their own, and one for each file that fits a
// pattern. It looks at the folders each time, so it finds new files, and not those that have vanished.
//
// A table of its own goes before a pattern: by its name, and by its database.
func (conf *Config) All() *Listing {
	l := &lister{conf: conf, owners: make(map[string]*Environment)}
	for _, name := range conf.ownNames() {
		l.Environments = append(l.Environments, conf.Env[name])
	}
	if len(conf.patterns) > 0 {
		for _, env := range l.Environments {
			l.owners[RealPath(env.Database)] = env
		}
	}
	for _, p := range conf.patterns {
		l.list(p)
	}
	slices.SortFunc(l.Environments, byName)
	return &l.Listing
}

// Names returns the names of the environments.
func (l *Listing) Names() []string {
	names := make([]string, 0, len(l.Environments))
	for _, env := range l.Environments {
		names = append(names, env.Name)
	}
	return names
}

// Has reports whether an environment of a name is listed.
func (l *Listing) Has(name string) bool {
	return slices.ContainsFunc(l.Environments, func(env *Environment) bool { return env.Name == name })
}

// Lacks reports whether the folder of a pattern could not be listed.
func (l *Listing) Lacks(pattern string) bool {
	return slices.ContainsFunc(l.Errors, func(e *ListError) bool { return e.Whole && e.Table.Name == pattern })
}

// of returns the part of a listing that is of a pattern.
func (l *Listing) of(pattern string) *Listing {
	return &Listing{
		filter(l.Environments, func(env *Environment) bool { return env.Pattern == pattern }),
		filter(l.Errors, func(e *ListError) bool { return e.Table.Name == pattern }),
		filter(l.Empty, func(table *Environment) bool { return table.Name == pattern }),
	}
}

// add adds another listing, but for the environments that are listed.
func (l *Listing) add(other *Listing) {
	l.Environments = append(l.Environments, filter(other.Environments, func(env *Environment) bool { return !l.Has(env.Name) })...)
	l.Errors, l.Empty = append(l.Errors, other.Errors...), append(l.Empty, other.Empty...)
}

// Select lists the environments with some names, in their order and each once. The name of a pattern's table stands for all of its
// environments. Any other unknown name is a usage error.
func (conf *Config) Select(names []string) (*Listing, error) {
	var all *Listing
	if slices.ContainsFunc(names, conf.isPattern) {
		all = conf.All()
	}
	l := &Listing{}
	for i, name := range names {
		switch {
		case slices.Contains(names[:i], name):
			continue
		case conf.isPattern(name):
			l.add(all.of(name))
			continue
		}
		env, err := conf.Environment(name)
		if err != nil {
			return nil, err
		}
		l.add(&Listing{Environments: []*Environment{env}})
	}
	return l, nil
}

// filter returns the elements that are wanted, in a new slice.
func filter[T any](list []T, want func(T) bool) (wanted []T) {
	for _, element := range list {
		if want(element) {
			wanted = append(wanted, element)
		}
	}
	return wanted
}

// isPattern reports whether a name is that of a pattern's table.
func (conf *Config) isPattern(name string) bool {
	return slices.ContainsFunc(conf.patterns, func(p *pattern) bool { return p.table.Name == name })
}

// Known returns the environments that [Config.Select] finds, without an error for a name that is unknown, and the table of each
// pattern of which something cannot be listed. It is for the report of an error, when the configuration or a name may be wrong.
func (conf *Config) Known(names []string) []*Environment {
	l, err := conf.Select(filter(names, func(name string) bool { return conf.isPattern(name) || conf.Lookup(name) != nil }))
	if err != nil {
		return nil
	}
	known := l.Environments
	for _, e := range l.Errors {
		if !slices.ContainsFunc(known, func(env *Environment) bool { return env.Name == e.Table.Name }) {
			known = append(known, e.Table)
		}
	}
	return known
}

// lister collects the environments of one listing.
type lister struct {
	Listing
	conf   *Config
	owners map[string]*Environment // by the paths of databases without symbolic links
}

// list adds the environments of a pattern.
func (l *lister) list(p *pattern) {
	files, err := p.files()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = outcome.New(fmt.Errorf("list folder %s: %w", p.folder, err), outcome.CodeSource, "Check that the folder is there, and its disk mounted.")
		l.failed(p, true, err)
	case err != nil:
		l.failed(p, true, outcome.OfSource(fmt.Errorf("list folder %s: %w", p.folder, err)))
	case len(files) == 0:
		l.Empty = append(l.Empty, p.table)
	}
	for _, f := range files {
		l.add(p, f)
	}
}

// failed adds an error of a pattern.
func (l *lister) failed(p *pattern, whole bool, err error) {
	l.Errors = append(l.Errors, &ListError{p.table, whole, err})
}

// fitted is a file that fits a pattern.
type fitted struct {
	word string // that the star stands for
	real string // the path without symbolic links
}

// add adds the environment of a file.
func (l *lister) add(p *pattern, f fitted) {
	env, owner := p.environment(f.word), l.owners[f.real]
	env.real = f.real
	other := l.conf.Env[env.Name]
	var err error
	switch {
	case owner != nil && owner.Pattern == "":
		return // a table of its own
	case owner != nil:
		err = outcome.Usage("Add it to exclude of one of them.", "%s fits %s, too, and is backed up as %s alone", env.Database, owner.Header(), owner.Name)
	case other != nil:
		err = outcome.Usage("Add it to exclude, if it need not be backed up.", "%s is not backed up: %s is of %s", env.Database, other.Header(), other.Database)
	default:
		if err = env.checkFitted(f.word); err != nil {
			err = outcome.Usage("Rename the file, or add it to exclude.", "%q is not backed up: %w", env.Database, err)
		}
	}
	if err != nil {
		l.failed(p, false, err)
		return
	}
	l.owners[f.real] = env
	l.Environments = append(l.Environments, env)
}

// files lists the files that fit a pattern.
func (p *pattern) files() ([]fitted, error) {
	type listed struct {
		files []fitted
		err   error
	}
	done := make(chan listed, 1)
	go func() {
		files, err := p.list()
		done <- listed{files, err}
	}()
	select {
	case l := <-done:
		return l.files, l.err
	case <-time.After(listLimit):
		return nil, fmt.Errorf("%w: waited %s", outcome.ErrStuck, listLimit)
	}
}

// list is [pattern.files] without a limit of time. Only names are read here. The opening of a database decides whether this user may
// read it.
func (p *pattern) list() (files []fitted, err error) {
	folder, entries, err := host.ReadFolder(p.folder)
	if err != nil {
		return nil, err
	}
	inFolders := p.entry.after != p.path.after
	for _, entry := range entries {
		word, ok := p.entry.match(entry.Name())
		real, isFile := filepath.Join(folder, entry.Name()), entry.Type().IsRegular()
		if !ok || !p.fits(word) || isFile && inFolders {
			continue
		}
		if !isFile {
			real, isFile = look(p.path.fill(word))
		}
		if isFile {
			files = append(files, fitted{word, real})
		}
	}
	return files, nil
}

// look follows the links of a path, as for a configured database, and reports whether a regular file is there. A path that
// cannot be followed counts as one: opening it says why.
func look(path string) (real string, isFile bool) {
	real, info, err := host.Look(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false
	case err != nil:
		return path, true
	}
	return real, info.Mode().IsRegular()
}
