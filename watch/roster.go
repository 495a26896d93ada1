package watch

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"firn/config"
	"firn/retention"
	"firn/site"
)

// folders are what is known of the folders of patterns.
type folders struct {
	begun           bool // the databases were listed once
	listingUnderWay bool // the folders are being looked at
	list            timer
	relist          timer
	folderTimes     map[string]time.Time
	unlisted        map[string]bool // the problems of the last listing
}

// take takes over the settings of a configuration.
func (w *Watch) take(conf *config.Config) {
	w.conf, w.settings = conf, w.settingsOf(conf)
	w.every = cmp.Or(w.options.Every, w.every)
}

// refresh makes the databases those that a configuration wants. It lists the folders of patterns. After an error all is as before.
func (w *Watch) refresh(conf *config.Config) error {
	l, err := w.expand(conf, w.options.Environments)
	if err != nil {
		return err
	}
	w.take(conf)
	w.roster(l)
	return nil
}

// roster makes the databases those of a listing, and tells the changes. Those of a pattern whose folder is gone, or empty all at
// once, stay: a disk is not mounted, and each is a fault that monitors learn of.
func (w *Watch) roster(l listing) {
	envs := l.envs
	if len(w.options.Environments) == 0 {
		envs = slices.DeleteFunc(slices.Clone(envs), func(e *config.Environment) bool { return !e.Watched() })
	}
	for _, d := range w.databases {
		if l.lacks(d.env) {
			envs = append(envs, d.env)
		}
	}
	changes := w.exchange(envs)
	if w.begun && len(changes) > 0 {
		w.tell(Fact, kindReload, "%s", strings.Join(changes, "; "))
	}
	w.begun = true
	w.tellUnlisted(l.problems)
}

// tellUnlisted tells of patterns and files that give no environment, each once.
func (w *Watch) tellUnlisted(problems []error) {
	said := map[string]bool{}
	for _, err := range problems {
		said[err.Error()] = true
		if !w.unlisted[err.Error()] {
			w.tell(Problem, kindFault, "%v. %s", err, hintOf(err))
		}
	}
	w.unlisted = said
}

const (
	// listPause is the time between two looks at the folders of patterns: a new tenant is watched within a second or two.
	listPause = time.Second
	// relistPause is the time after which the folders are listed whatever their times say: a file may appear in a folder below, and
	// two changes of a folder may have the same time.
	relistPause = 10 * time.Second
)

// lookForFiles lists the folders of patterns when their times have changed, apart: one may be on a file server that is gone.
func (w *Watch) lookForFiles(now instant) {
	if w.listingUnderWay || !w.list.due(now) {
		return
	}
	w.list.set(now, listPause)
	folders := w.foldersOf(w.conf)
	if len(folders) == 0 {
		return
	}
	conf, before, anyway := w.conf, w.folderTimes, w.relist.due(now)
	w.listingUnderWay = true
	w.apart(func() func() {
		times := map[string]time.Time{}
		for _, folder := range folders {
			times[folder] = w.folderTime(folder)
		}
		var l listing
		err := errUnchanged
		if anyway || !maps.Equal(times, before) {
			err = site.Caught(func() (err error) { l, err = w.expand(conf, w.options.Environments); return err })
		}
		return func() { w.listed(conf, times, l, err) }
	})
}

// errUnchanged is the outcome of a look at folders that have not changed.
var errUnchanged = errors.New("unchanged")

// listed takes over what a look at the folders of patterns has found, unless the configuration is another one by now.
func (w *Watch) listed(conf *config.Config, times map[string]time.Time, l listing, err error) {
	w.listingUnderWay = false
	if conf != w.conf || errors.Is(err, errUnchanged) {
		return
	}
	w.folderTimes = times
	w.relist.set(w.clock.read(), relistPause)
	if err != nil {
		w.tellUnlisted([]error{err})
		return
	}
	w.roster(l)
}

// exchange adds and removes databases, and says what has changed. An environment whose database is another one is watched anew.
func (w *Watch) exchange(envs []*config.Environment) (changes []string) {
	old := map[place]*database{}
	for _, d := range w.databases {
		old[placeOf(d.env)] = d
	}
	w.databases = nil
	var added, removed []string
	seen := map[place]bool{}
	for _, env := range envs {
		if seen[placeOf(env)] {
			continue
		}
		seen[placeOf(env)] = true
		every := cmp.Or(w.options.Every, w.intervalOf(w.conf, env), w.every)
		d := old[placeOf(env)]
		switch {
		case d == nil:
			added = append(added, env.Name)
			d = &database{state: Opening}
		case d.every != every:
			changes = append(changes, env.Name+" every "+retention.FormatDuration(every))
			d.due.hurry()
		}
		delete(old, placeOf(env))
		held := d.env != nil && d.env.Held()
		d.env, d.every = env, every
		w.changeHold(d, held)
		w.databases = append(w.databases, d)
	}
	for _, d := range old {
		removed = append(removed, d.env.Name)
		w.close(d)
	}
	slices.Sort(removed)
	for _, news := range []struct {
		what  string
		names []string
	}{{"not watched any more: ", removed}, {"watched, too: ", added}} {
		if len(news.names) > 0 {
			changes = append(changes, news.what+shortList(news.names))
		}
	}
	return changes
}

// place is what makes a database another one.
type place struct{ environment, path, name string }

func placeOf(env *config.Environment) place { return place{env.Name, env.Database, env.DatabaseName} }

// Reload takes over another configuration. The watch says what changes. A configuration that cannot be used, or an error of
// reading it, changes nothing, and is said.
func (w *Watch) Reload(conf *config.Config, err error) {
	w.post(func() {
		w.notifier.reloading()
		defer w.notifier.reloaded()
		before := w.settings
		if err == nil {
			err = w.refresh(conf)
		}
		switch {
		case err != nil:
			w.tell(Problem, kindReload, "the configuration was not taken over, the one before stays: %v. %s", err, hintOf(err))
		case len(Fixed(w.opened, conf)) > 0:
			w.tell(Problem, kindReload, "the configuration was read again, but for %s: a watch takes these when it is started again, and goes on with %s",
				strings.Join(Fixed(w.opened, conf), ", "), w.repository)
		case before != w.settings:
			w.tell(Fact, kindReload, "the configuration was read again: a round every %s, a confirmation every %s", retention.FormatDuration(w.every), retention.FormatDuration(w.confirm))
		default:
			w.tell(Fact, kindReload, "the configuration was read again")
		}
	})
}

// Fixed returns the keys that differ in two configurations and count when a watch, or a server, begins.
func Fixed(a, b *config.Config) (keys []string) {
	for key, same := range map[string]bool{
		"repository": a.Repository == b.Repository,
		"key_file":   a.KeyFile == b.KeyFile, "password_file": a.PasswordFile == b.PasswordFile, "password_command": a.PasswordCommand == b.PasswordCommand,
		"cache_size": a.CacheSize == b.CacheSize, "[s3]": reflect.DeepEqual(a.S3, b.S3),
		"spool_size": a.Watch.SpoolSize == b.Watch.SpoolSize, "spool_dir": a.Watch.SpoolDir == b.Watch.SpoolDir,
	} {
		if !same {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// post calls a function in the loop. After the end of the loop the function is dropped.
func (w *Watch) post(f func()) {
	select {
	case w.posts <- f:
	case <-w.ended:
	}
}
