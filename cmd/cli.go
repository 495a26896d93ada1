// Package cmd is firn's command line. Each command has a file with its flags, its help and the words of its results; the work is
// done by the packages of the application. Other files have the parts that all commands share.
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
	"firn/store/rclone"
	"firn/store/remote"
	"firn/store/s3"
	"firn/store/sftp"
)

// Streams are the standard streams of a run.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs firn with the arguments after its name on the process's own
// streams and returns the exit code. An interrupt, a termination or a lost
// terminal cancels what is under way.
func Main(args []string) int {
	// This comes first: it is a second line of defence for the locks of live databases.
	if err := sqlite.Harden(); err != nil {
		return newCLI(Streams{os.Stdin, os.Stdout, os.Stderr}).fail(err)
	}
	defer runtime.KeepAlive(limitMemory(memoryLimit()))
	c := newCLI(Streams{os.Stdin, os.Stdout, os.Stderr})
	ctx, stop := c.signals.cancelling(context.Background())
	defer stop()
	// A reader of the output may go away. With this handler, firn still tidies up then.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return c.run(ctx, args)
}

// Run runs firn with the arguments after its name and returns the exit code. It is for programs that bring their own streams: it
// neither handles signals nor exits.
func Run(ctx context.Context, args []string, streams Streams) int {
	return newCLI(streams).run(ctx, args)
}

// cli is one run of the program: its streams, its surroundings and the flags that all commands share.
type cli struct {
	stdin          io.Reader
	stdout, stderr *screen
	program        *session.Caller
	args           []string // the arguments after the program's name

	flags       flags
	showVersion bool
	profiles    profiles
	json        bool
	signals     signals
	helpError   error               // the error of writing a help text
	bar         atomic.Pointer[bar] // the bar that may be on the terminal; may hold nil
	sessions    []*session.Session  // the sessions that were opened
}

// flags are the flags of all commands that this package uses itself; the others are in [session.Settings].
type flags struct {
	quiet   bool
	verbose bool
	noColor bool
}

// newCLI returns a run of the program on its streams, with the clock and the environment of the process.
func newCLI(s Streams) *cli {
	c := &cli{stdin: s.In, stdout: newScreen(output{s.Out}), stderr: newScreen(s.Err)}
	c.program = &session.Caller{
		Reporter: c.reporter(), Tool: toolVersion(),
		Getenv: os.Getenv, Now: time.Now, Zone: time.Local, Silence: site.StuckSilence,
		Kinds: []store.Kind{s3.Kind{}, sftp.Kind{}, remote.Kind{Version: toolVersion()}, rclone.Kind{}}, Input: s.In, CommandOutput: s.Err,
		HookFailed: c.showHookOutput,
	}
	return c
}

// run parses the arguments, runs the command and returns its exit code.
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

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// interactive reports whether firn can ask a person questions.
func (c *cli) interactive() bool {
	return !c.json && isTerminal(c.stdin) && isTerminal(c.stderr)
}

// applyFlags sets the parts of the program that depend on the flags: the output of hooks, and the question for a password.
func (c *cli) applyFlags() {
	if !c.flags.quiet && !c.json {
		c.program.HookOutput = c.stderr.out
	}
	if c.interactive() {
		c.program.AskPassword = c.askPassword
	}
}

// reporter returns the reporter that prints the messages of the application.
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

// showHookOutput prints the output of a hook that has failed.
func (c *cli) showHookOutput(environment, hook string, output []byte) {
	if c.json {
		c.warn("%s: the %s command says: %s", environment, hook, output)
		return
	}
	fmt.Fprintf(c.stderr, "%s\n", bytes.TrimSuffix(output, []byte("\n")))
}

// opened is a run of the program with the repository that it has opened.
type opened struct {
	*cli
	*session.Session
}

// open opens the repository. The command closes it.
func (c *cli) open(ctx context.Context, opening session.OpenOptions) (*opened, error) {
	c.applyFlags()
	s, err := c.program.Open(ctx, opening)
	if err != nil {
		return nil, err
	}
	return c.with(s), nil
}

// start finds the repository without opening it.
func (c *cli) start() (*opened, error) {
	c.applyFlags()
	s, err := c.program.Start(session.OpenOptions{})
	if err != nil {
		return nil, err
	}
	return &opened{c, s}, nil
}

// openStarted opens the repository that [cli.start] has found. The command closes it.
func (o *opened) openStarted(ctx context.Context) error {
	if err := o.OpenRepository(ctx); err != nil {
		return err
	}
	o.sessions = append(o.sessions, o.Session)
	return nil
}

// with joins this run with an open session. A rollback of its repository counts for the exit code.
func (c *cli) with(s *session.Session) *opened {
	c.sessions = append(c.sessions, s)
	return &opened{c, s}
}

// unaccepted returns the error of a successful command if one of its repositories was set back, which no person has accepted.
func (c *cli) unaccepted() error {
	for _, s := range c.sessions {
		if err := s.Unaccepted(); err != nil {
			return err
		}
	}
	return nil
}
