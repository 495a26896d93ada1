package watch

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
)

// world is everything around a watch, made of fakes, in a bubble of synctest: no time passes but that of the test.
type world struct {
	*Watch
	t     *testing.T
	began time.Time
	conf  *config.Config

	mu         sync.Mutex
	back       time.Duration // by which the wall clock was set back
	files      map[string]*fakeFile
	rounds     *fakeRounds
	opened     int   // how often rounds were begun
	opens      error // why they cannot be
	bases      []string
	settings   settings
	peek       time.Duration
	every      map[string]time.Duration
	chores     []*chore
	freed      int
	alarmed    []string
	beatsTo    map[string]int
	states     []session.WatchState
	folders    []string
	unmounted  bool // the folder of the pattern is empty
	folderTime time.Time
	alives     []repo.Alive
	events     []Event
	locks      map[string]bool // locks of other processes
}

// fakeFile is a database.
type fakeFile struct {
	missing  bool
	slow     time.Duration // that it takes to be opened
	size     int64
	changed  bool // since it was stored
	look     error
	hang     chan struct{} // looks wait for it; nil for none
	panics   bool
	peekHang chan struct{}
	mode     string
	held     bool
	wrote    time.Time // the last change
	source   error     // of its member
	opens    int
	closes   int
	looks    int
	peeks    int
}

// newWorld makes a world with databases that have changed.
func newWorld(t *testing.T, names ...string) *world {
	x := &world{t: t, began: time.Now(), conf: &config.Config{Env: map[string]*config.Environment{}}, files: map[string]*fakeFile{}, locks: map[string]bool{}, beatsTo: map[string]int{}, every: map[string]time.Duration{}, peek: time.Second, settings: settings{10 * time.Second, time.Minute}}
	x.rounds = &fakeRounds{x: x, latest: map[string]*snapshot.Snapshot{}}
	for _, name := range names {
		x.add(name)
	}
	return x
}

// add adds a database to the world and to the configuration.
func (x *world) add(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.conf.Env[name] = &config.Environment{Name: name, Database: name, DatabaseName: name, Ping: "https://" + name}
	x.files[name] = &fakeFile{size: 1 << 20, changed: true, mode: "wal", held: true}
}

// parts returns the fakes.
func (x *world) parts() parts {
	return parts{
		clock: clock{
			wall:  func() time.Time { x.mu.Lock(); defer x.mu.Unlock(); return time.Now().Round(0).Add(-x.back) },
			since: func() time.Duration { return time.Since(x.began) },
		},
		zone: time.UTC, host: "here",
		newRounds: func(context.Context) (rounds, error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.opened++
			return x.rounds, x.opens
		},
		newFollower: func(env *config.Environment) Follower {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.files[env.Name].opens++
			return &fakeFollower{x, x.files[env.Name]}
		},
		lock: func(env *config.Environment) (func(), error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.locks[env.Name] {
				return nil, errHeld
			}
			return func() {}, nil
		},
		sizeOf: func(_ context.Context, path string) (int64, error) {
			time.Sleep(x.slow(path))
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.files[path].missing {
				return 0, fs.ErrNotExist
			}
			return x.files[path].size, nil
		},
		member: func(d *database, now time.Time) repo.RoundMember {
			return repo.RoundMember{Options: repo.BackupOptions{Environment: d.env.Name, Database: d.env.DatabaseName}}
		},
		takeBase: func(ctx context.Context, m repo.RoundMember) (*repo.BackupResult, error) {
			time.Sleep(time.Hour)
			x.change(func() { x.bases = append(x.bases, m.Options.Environment) })
			return x.rounds.store(m.Options.Environment), nil
		},
		putAlive: func(_ context.Context, a repo.Alive) error {
			x.change(func() { x.alives = append(x.alives, a) })
			return nil
		},
		expand: func(conf *config.Config, names []string) (listing, error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			l, err := expand(conf, names)
			l.lacks = func(*config.Environment) bool { return x.unmounted }
			return l, err
		},
		peekEvery:  x.peek,
		settingsOf: func(*config.Config) settings { x.mu.Lock(); defer x.mu.Unlock(); return x.settings },
		intervalOf: func(_ *config.Config, env *config.Environment) time.Duration {
			x.mu.Lock()
			defer x.mu.Unlock()
			return x.every[env.Name]
		},
		tellFailure: func(_ context.Context, env *config.Environment, err error) {
			x.change(func() { x.alarmed = append(x.alarmed, env.Name+": "+err.Error()) })
		},
		tellAlive: func(_ context.Context, env *config.Environment, line string) {
			x.change(func() { x.beatsTo[env.Name]++ })
		},
		writeReport: func(_ context.Context, st session.WatchState, _ string, metrics func(monitor.Samples)) error {
			x.change(func() { x.states = append(x.states, st) })
			return nil
		},
		closeReport: func() error { return nil },
		requests:    func() int64 { return 0 },
		chores:      x.chores,
		freeSpace:   func(context.Context) error { x.change(func() { x.freed++ }); return nil },
		foldersOf:   func(*config.Config) []string { return x.folders },
		folderTime:  func(string) time.Time { x.mu.Lock(); defer x.mu.Unlock(); return x.folderTime },
	}
}

// slow returns how long it takes to open a database.
func (x *world) slow(path string) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.files[path].slow
}

// change changes the world.
func (x *world) change(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f()
}

// run runs a watch in the world, and calls f meanwhile. It returns the error of the watch, which has ended then.
func run(x *world, o Options, f func()) (err error) {
	x.t.Helper()
	o.Told = func(e Event) { x.change(func() { x.events = append(x.events, e) }) }
	x.Watch = newWatch(x.conf, x.parts(), o)
	ctx, cancel := context.WithCancel(x.t.Context())
	ended := make(chan struct{})
	var outcome error
	go func() { outcome = x.Watch.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended; err = outcome }()
	f()
	return nil
}

// bubble runs a test of a world of databases in a bubble.
func bubble(t *testing.T, names []string, f func(x *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t, names...)) })
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// lines returns the events of some kinds, as lines.
func (x *world) lines(kinds ...string) (lines []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.events {
		for _, kind := range kinds {
			if e.Kind == kind && e.Level != Detail {
				lines = append(lines, e.String())
			}
		}
	}
	return lines
}

// want checks that there is one line for each text, in order, which holds it.
func (x *world) want(what string, lines []string, texts ...string) {
	x.t.Helper()
	if len(lines) != len(texts) {
		x.t.Fatalf("%s: got %q, want %q", what, lines, texts)
	}
	for i, text := range texts {
		if !strings.Contains(lines[i], text) {
			x.t.Errorf("%s: got %q, want %q", what, lines[i], text)
		}
	}
}

// fakeFollower follows a fake file.
type fakeFollower struct {
	x *world
	f *fakeFile
}

func (f *fakeFollower) Peek() error {
	f.x.mu.Lock()
	f.f.peeks++
	hang := f.f.peekHang
	f.f.peekHang = nil
	f.x.mu.Unlock()
	if hang != nil {
		<-hang
	}
	return nil
}

func (f *fakeFollower) Look(context.Context) (bool, error) {
	f.x.mu.Lock()
	f.f.looks++
	hang, panics := f.f.hang, f.f.panics
	f.x.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if panics {
		panic("a bug")
	}
	f.x.mu.Lock()
	defer f.x.mu.Unlock()
	return f.f.changed, f.f.look
}

func (f *fakeFollower) Source(sqlite.Options) repo.Source { return nil }

func (f *fakeFollower) State() sqlite.FollowerState {
	f.x.mu.Lock()
	defer f.x.mu.Unlock()
	return sqlite.FollowerState{JournalMode: f.f.mode, Held: f.f.held, Changed: f.f.wrote}
}

func (f *fakeFollower) Hold() { f.x.change(func() { f.f.held = true }) }

func (f *fakeFollower) Release() error {
	f.x.change(func() { f.f.held = false })
	return nil
}

func (f *fakeFollower) Close() error {
	f.x.change(func() { f.f.closes++ })
	return nil
}

var errHeld = fmt.Errorf("%w, by another process", outcome.ErrRunning)

// goAway makes the store fail, or be there again with nil.
func (x *world) goAway(err error) {
	x.change(func() { x.rounds.err, x.rounds.confirm = err, err })
}

// write changes databases.
func (x *world) write(names ...string) {
	x.change(func() {
		for _, name := range names {
			x.files[name].changed, x.files[name].wrote = true, time.Now()
		}
	})
}

// rounds counts the rounds with a snapshot of a database.
func (x *world) roundsOf(name string) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, names := range x.rounds.taken {
		for _, taken := range names {
			if taken == name {
				n++
			}
		}
	}
	return n
}
