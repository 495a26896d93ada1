// Package cmd is firn's command line: one file per command, and beside them
// what all commands share. It joins the repository engine, which knows no
// SQLite, with package sqlite, which knows no repository.
package cmd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/site"
	"firn/sqlite"
	"firn/store"
	"firn/store/s3"
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
	defer runtime.KeepAlive(limitMemory(memoryLimit()))
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
	err = cmp.Or(withoutUnread(cmp.Or(err, c.helpError)), c.profiles.stop(), c.unaccepted())
	if err == nil {
		return outcome.CodeDone
	}
	if ctx.Err() != nil {
		err = outcome.Interrupted(err)
	}
	c.json = c.json || slices.Contains(args, "--json") // a usage error may come before the flag is seen
	return c.fail(err)
}

// cli is one run of the program: its streams and surroundings, and the flags
// that all commands share.
type cli struct {
	stdin          io.Reader
	stdout, stderr *screen
	program        *session.Caller
	args           []string // after the program's name

	flags       flags
	showVersion bool
	profiles    profiles
	json        bool
	helpError   error               // of writing a help
	bar         atomic.Pointer[bar] // the one that may be on the terminal; may hold nil
	sessions    []*session.Session  // that were opened
}

// flags are the global ones.
type flags struct {
	quiet   bool
	verbose bool
	noColor bool
}

func newCLI(s Streams) *cli {
	c := &cli{stdin: s.In, stdout: newScreen(output{s.Out}), stderr: newScreen(s.Err)}
	c.program = &session.Caller{
		Reporter: c.reporter(), Tool: toolVersion(),
		Getenv: os.Getenv, Now: time.Now, Zone: time.Local, Silence: site.StuckSilence,
		Kinds: []store.Kind{s3.Kind{}}, Input: s.In, CommandOutput: s.Err, HookFailed: c.showHookOutput,
	}
	return c
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

// applyFlags tells the caller what the flags say.
func (c *cli) applyFlags() {
	if !c.flags.quiet && !c.json {
		c.program.HookOutput = c.stderr.out
	}
	if c.interactive() {
		c.program.AskPassword = c.askPassword
	}
}

// reporter returns what shows the messages of a run.
func (c *cli) reporter() *report.Reporter {
	return &report.Reporter{
		Warned:   func(text string) { c.warn("%s", text) },
		Noted:    func(text string) { c.note("%s", text) },
		Detailed: func(text string) { c.detail("%s", text) },
		Failed:   func(err error) { c.fail(err) },
		Started: func(task string, total int64) report.Meter {
			if b := c.progress(task, total); b != nil {
				return b
			}
			return nil
		},
	}
}

// showHookOutput shows the output of a command that has failed.
func (c *cli) showHookOutput(environment, hook string, output []byte) {
	if c.json {
		c.warn("%s: the %s command says: %s", environment, hook, output)
		return
	}
	fmt.Fprintf(c.stderr, "%s\n", bytes.TrimSuffix(output, []byte("\n")))
}

// opened is the command line with the repository that it has opened.
type opened struct {
	*cli
	*session.Session
}

// open opens the repository; the command closes it.
func (c *cli) open(ctx context.Context, opening session.OpenOptions) (*opened, error) {
	c.applyFlags()
	s, err := c.program.Open(ctx, opening)
	if err != nil {
		return nil, err
	}
	return c.with(s), nil
}

// start finds out where the repository is, without opening it.
func (c *cli) start() (*opened, error) {
	c.applyFlags()
	s, err := c.program.Start(session.OpenOptions{})
	if err != nil {
		return nil, err
	}
	return &opened{c, s}, nil
}

// openStarted opens the repository that was found; the command closes it.
func (o *opened) openStarted(ctx context.Context) error {
	if err := o.OpenRepository(ctx); err != nil {
		return err
	}
	o.sessions = append(o.sessions, o.Session)
	return nil
}

// with joins the command line with a session, whose rollback counts for the exit code.
func (c *cli) with(s *session.Session) *opened {
	c.sessions = append(c.sessions, s)
	return &opened{c, s}
}

// unaccepted is the outcome of a command that did all else, in a repository that was set back.
func (c *cli) unaccepted() error {
	for _, s := range c.sessions {
		if err := s.Unaccepted(); err != nil {
			return err
		}
	}
	return nil
}
