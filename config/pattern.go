package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"firn/outcome"
	"firn/tags"
)

// star stands in a pattern for a part of the name of a file or a folder.
const star = "*"

// glob is a text with one star.
type glob struct{ before, after string }

// parseGlob returns the parts of a text around its star. It reports whether the text has exactly one.
func parseGlob(text string) (glob, bool) {
	before, after, found := strings.Cut(text, star)
	return glob{before, after}, found && !strings.Contains(after, star)
}

// fill returns the text with a word in place of the star.
func (g glob) fill(word string) string { return g.before + word + g.after }

// match returns the word that the star stands for in a text. The word is never empty.
func (g glob) match(text string) (word string, ok bool) {
	rest, begins := strings.CutPrefix(text, g.before)
	word, ends := strings.CutSuffix(rest, g.after)
	return word, begins && ends && word != ""
}

// overlaps reports whether a text may match both globs.
func (g glob) overlaps(other glob) bool {
	return (strings.HasPrefix(g.before, other.before) || strings.HasPrefix(other.before, g.before)) &&
		(strings.HasSuffix(g.after, other.after) || strings.HasSuffix(other.after, g.after))
}

// pattern is a table that stands for an environment for each file that fits. Its name and the path of its database have a star
// each: the star of the name stands for the same word as that of the path. So each can be found from the other, without a look
// at the folder.
type pattern struct {
	table        *Environment // without the name of a database, of which it has many
	databaseName string       // may have a star; "" for the names of the files
	name         glob         // of the environments
	path         glob         // of the databases
	folder       string       // where the names are listed that the star is in
	entry        glob         // of these names
}

// takePatterns moves the tables that are patterns from Env to the patterns. A table with stars that are in wrong places stays,
// for [Config.validate], and so that its monitor can be told.
func (conf *Config) takePatterns() {
	for _, name := range conf.ownNames() {
		if p, ok := newPattern(conf.Env[name]); ok {
			conf.patterns = append(conf.patterns, p)
			delete(conf.Env, name)
		}
	}
}

// newPattern returns the pattern of a table, and reports whether the table is one.
func newPattern(table *Environment) (p *pattern, ok bool) {
	name, nameOK := parseGlob(table.Name)
	path, pathOK := parseGlob(table.Database)
	if !nameOK || !pathOK {
		return nil, false
	}
	p = &pattern{table: table, name: name, path: path, folder: filepath.Dir(path.before + star)}
	if table.NamesDatabase {
		p.databaseName = table.DatabaseName
	}
	table.DatabaseName = ""
	p.entry.before = strings.TrimPrefix(strings.TrimPrefix(path.before, p.folder), string(filepath.Separator))
	p.entry.after, _, _ = strings.Cut(path.after, string(filepath.Separator))
	table.Pattern = table.Name
	return p, true
}

// checkStars returns an error for a table that is no pattern and has a star where only a pattern has one.
func (e *Environment) checkStars() error {
	const hint = `A pattern has one * in its name and one in the path of its database: [env."tenant-*"] with database = "/srv/tenants/*.db".`
	names, paths := strings.Count(e.Name, star), strings.Count(e.Database, star)
	switch {
	case names == 0 && paths == 0 && len(e.Exclude) > 0:
		return errors.New("exclude is for a pattern, and neither name nor database has a *")
	case names == 0 && paths == 0:
		return nil
	case e.Database == "":
		return errors.New("database is missing")
	case names == 0:
		return outcome.Usage(hint, "database has a *, and the name of the environment has none")
	case paths == 0:
		return outcome.Usage(hint, "the name of the environment has a *, and database has none")
	}
	return outcome.Usage(hint, "the name of the environment has %d *, and database has %d", names, paths)
}

// validate returns the first thing that is wrong with the table, as far as it is the same for all files.
func (p *pattern) validate() error {
	for _, exclude := range p.table.Exclude {
		if _, err := filepath.Match(exclude, ""); err != nil || strings.ContainsRune(exclude, filepath.Separator) {
			return outcome.Usage(`Write "*-old.db", or "scratch*".`, "exclude: %q is no pattern of a file's name", exclude)
		}
	}
	if strings.Count(p.databaseName, star) > 1 {
		return fmt.Errorf("name: %q has more than one *", p.databaseName)
	}
	return p.environment("x").Validate()
}

// checkPatterns returns the first thing that is wrong with the patterns, nil if they can be used.
func (conf *Config) checkPatterns() error {
	for i, p := range conf.patterns {
		if err := p.validate(); err != nil {
			return conf.wrongTable(p.table, err)
		}
		for _, other := range conf.patterns[:i] {
			if p.name.overlaps(other.name) {
				return outcome.Usage(`Give them names that differ at the beginning or at the end: "eu-*" and "us-*".`,
					"configuration %s: %s and %s may both stand for an environment %q",
					conf.Path, other.table.Header(), p.table.Header(), longer(p.name.before, other.name.before)+"x"+longer(p.name.after, other.name.after))
			}
		}
	}
	return nil
}

// longer returns the longer one of two texts.
func longer(a, b string) string {
	return slices.MaxFunc([]string{a, b}, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
}

// environment returns the environment for which the star stands for a word.
func (p *pattern) environment(word string) *Environment {
	e := *p.table
	e.Name, e.Database = p.name.fill(word), p.path.fill(word)
	e.DatabaseName = cmp.Or(strings.Replace(p.databaseName, star, word, 1), DefaultDatabaseName(e.Database))
	return &e
}

// fits reports whether a word makes the name of a database that the pattern is for. Hidden files are for none, as for a shell:
// firn's own private files are hidden.
func (p *pattern) fits(word string) bool {
	entry := p.entry.fill(word)
	hidden := p.entry.before == "" && strings.HasPrefix(entry, ".")
	return word != "" && !strings.ContainsRune(word, filepath.Separator) && !hidden && !isSidecar(p.path.fill(word)) &&
		!slices.ContainsFunc(p.table.Exclude, func(exclude string) bool {
			excluded, _ := filepath.Match(exclude, entry) // validated
			return excluded
		})
}

// isSidecar reports whether a file is called like one that SQLite makes beside a database.
func isSidecar(path string) bool {
	return slices.ContainsFunc([]string{"-wal", "-shm", "-journal"}, func(end string) bool { return strings.HasSuffix(path, end) })
}

// named returns the environment of a name, nil if it is none of the pattern.
func (p *pattern) named(name string) *Environment {
	word, ok := p.name.match(name)
	if !ok || !p.fits(word) {
		return nil
	}
	if env := p.environment(word); env.checkFitted(word) == nil {
		return env
	}
	return nil
}

// at returns the environment of a database, nil if it is none of the pattern. The path must have no symbolic links.
func (p *pattern) at(path string) *Environment {
	real := glob{strings.TrimSuffix(filepath.Join(RealPath(p.folder), p.entry.before+star), star), p.path.after}
	if word, ok := real.match(path); ok {
		return p.named(p.name.fill(word))
	}
	return nil
}

// checkFitted returns an error if the name of a file makes no valid environment.
func (e *Environment) checkFitted(word string) error {
	if strings.Contains(word, star) {
		return fmt.Errorf("environment %q: a * in a name stands for many", e.Name)
	}
	if err := CheckNames(e.Name, e.DatabaseName); err != nil {
		return err
	}
	set, err := tags.New(e.Tags...)
	if err != nil {
		return err
	}
	return CheckTags(set, e.Name, e.DatabaseName)
}

// Folder returns the folder of the database. That of a pattern's table has all of the pattern's databases in it, or below it.
func (e *Environment) Folder() string {
	before, _, _ := strings.Cut(e.Database, star)
	if e.Pattern == "" {
		before = e.Database
	}
	return filepath.Dir(before + star)
}
