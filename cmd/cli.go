// Package cmd is firn's command line: one file per command, and beside them
// what all commands share. It joins the repository engine, which knows no
// SQLite, with package sqlite, which knows no repository.
package cmd

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"firn/snapshot"
	"firn/sqlite"
)

// Streams are what a run of the program reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs firn with the arguments after its name on the process's own
// streams and returns the exit code. An interrupt, a termination or a lost
// terminal cancels what is under way.
func Main(args []string) int {
	// First of all: a second line of defence for the locks of live databases.
	if err := sqlite.Harden(); err != nil {
		return newCLI(Streams{os.Stdin, os.Stdout, os.Stderr}).fail(err)
	}
	defer runtime.KeepAlive(spare(memoryLimit()))
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	defer stop()
	// A reader of our output that goes away must not keep us from tidying up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return Run(ctx, args, Streams{os.Stdin, os.Stdout, os.Stderr})
}

// stopSignals leaves out the hang-up that nohup has ignored.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// Run runs firn with the arguments after its name and returns the exit code,
// for programs that bring their own streams. It neither handles signals nor exits.
func Run(ctx context.Context, args []string, streams Streams) int {
	return newCLI(streams).run(ctx, args)
}

func (c *cli) run(ctx context.Context, args []string) int {
	c.args = args
	root := newRoot(c)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	err = cmp.Or(err, c.helpError, c.profiles.stop(), c.unaccepted())
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		err = interrupted(err)
	}
	c.json = c.json || slices.Contains(args, "--json") // a usage error may come before the flag is seen
	return c.fail(err)
}

// cli is one run of the program: its streams and surroundings, and the flags
// that all commands share.
type cli struct {
	stdin          io.Reader
	stdout, stderr *screen
	getenv         func(string) string
	now            func() time.Time
	zone           *time.Location // of times that people read or type
	silence        time.Duration  // for how long a source may not answer
	args           []string       // after the program's name

	flags     flags
	profiles  profiles
	json      bool
	repairing bool                // open what only the cache can open
	helpError error               // of writing a help
	bar       atomic.Pointer[bar] // the one that may be on the terminal; may hold nil

	onlyExistingCache bool          // make none
	toldAhead         []snapshot.ID // later than now
	accepting         bool          // of what a repository shows that was set back, or is another one
	foundSetBack      bool          // by a command that does not accept it
	tried             keySource     // the last key
}

// flags are the global ones.
type flags struct {
	config          string
	repository      string
	keyFile         string
	passwordFile    string
	passwordCommand string
	cacheDir        string
	cacheSize       string
	limitUpload     string
	limitDownload   string
	noCache         bool
	quiet           bool
	verbose         bool
	noColor         bool
}

func newCLI(s Streams) *cli {
	return &cli{
		stdin: s.In, stdout: newScreen(s.Out), stderr: newScreen(s.Err),
		getenv: os.Getenv, now: time.Now, zone: time.Local, silence: stuckSilence,
	}
}

// isTerminal reports whether a stream is one.
func isTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// interactive reports whether somebody is there to be asked.
func (c *cli) interactive() bool {
	return !c.json && isTerminal(c.stdin) && isTerminal(c.stderr)
}
