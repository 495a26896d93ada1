package cmd

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/watch"
)

// watchOptions are the flags of watch.
type watchOptions struct {
	watch.Options
	all bool
}

func newWatch(c *cli) *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch [ENV... | --all]",
		Short: "Take snapshots every few seconds",
		Long: `Takes a snapshot of each database that has changed, every few seconds, for as long as
it runs. Applications go on meanwhile, and databases are only read. Without an argument
it watches all environments that the configuration does not except.

A database that cannot be read hinders no other. It is tried again, and "firn status"
says what is wrong with it. While the repository cannot be reached, its snapshots wait
on this host, or the databases are taken again when it is back.

The same process thins old snapshots, frees their space, verifies one snapshot after the
other, and copies once a day if [copy] is configured. The commands before and after a
backup are not run; on_failure and ping tell of a database that fails for long.

Signals: TERM ends it after a last round. HUP reads the configuration again. USR1 lets
go of all databases for a minute, for a change of their journal mode.`,
		Example: `  firn watch --all
  firn watch production --every 1s
  firn schedule --format systemd --watch --output /etc/systemd/system`,
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Environments = args
			return c.watch(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "all environments (the default)")
	f.DurationVar(&o.Every, "every", 0, "`time` between two rounds, from 1s to 1h (default: 10s)")
	f.BoolVar(&o.Once, "once", false, "take each database once and once more if it changed, then end")
	f.StringVar(&o.MetricsFile, "metrics-file", "", "write the state to this `file`, for Prometheus")
	f.StringVar(&o.CopyKeyFile, "to-key-file", "", "`file` with the key of the repository to copy to")
	c.addJSONFlag(cmd)
	return cmd
}

// watch runs the command.
func (c *cli) watch(ctx context.Context, o watchOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	s, err := c.start()
	if err != nil {
		return err
	}
	w, end, err := c.beginWatch(ctx, s, o.Options, nil)
	if err != nil {
		return err
	}
	defer end()
	if err := w.Run(ctx); err != nil || !o.Once {
		return err
	}
	return c.failures(w)
}

// beginWatch opens the repository and makes a watch that takes the signals. The caller runs the watch, and calls end. The function
// reloaded, which may be nil, gets each configuration that is read again.
func (c *cli) beginWatch(ctx context.Context, s *opened, o watch.Options, reloaded func(*config.Config)) (w *watch.Watch, end func(), err error) {
	var running atomic.Pointer[watch.Watch] // nil as long as the repository is not open
	release := c.signals.take(c.watchSignals(&running, reloaded), releaseSignal)
	spool := watch.NewSpool(s.Session)
	o.Told, o.Spool = c.printEvent, spool
	if err := watch.Begin(ctx, c.program, o.Once, s.openStarted, o.Told); err != nil {
		spool.Close()
		release()
		return nil, nil, err
	}
	w = watch.New(s.Session, o)
	running.Store(w)
	return w, func() { s.Close(); spool.Close(); release() }, nil
}

// check returns the first thing that is wrong with the flags.
func (o watchOptions) check() error {
	if o.all && len(o.Environments) > 0 {
		return outcome.Usage("", "give environments, or --all: only one of them")
	}
	if o.Every != 0 && (o.Every < time.Second || o.Every > time.Hour) {
		return outcome.Usage("", "--every is from 1s to 1h, and %v is not", o.Every)
	}
	return nil
}

// echo is the time after a first signal to end in which another one is the same: "timeout" sends it to the process and to its group.
const echo = time.Second

// watchSignals returns a function that takes the signals of a watch, and reports whether the watch goes on. Before the watch runs,
// there is nothing to read again or to let go of.
func (c *cli) watchSignals(running *atomic.Pointer[watch.Watch], reloaded func(*config.Config)) func(os.Signal) bool {
	var asked time.Time // to end
	return func(received os.Signal) bool {
		now, w := c.program.Now(), running.Load()
		switch {
		case w == nil && (received == syscall.SIGHUP || received == releaseSignal):
		case received == syscall.SIGHUP:
			go func() {
				conf, err := c.program.LoadConfig()
				if err == nil && reloaded != nil {
					reloaded(conf)
				}
				w.Reload(conf, err) // which says so
			}()
		case received == releaseSignal:
			go w.Release()
		case asked.IsZero():
			asked = now
			return false
		case now.Sub(asked) > echo:
			os.Exit(outcome.CodeInterrupted)
		}
		return true
	}
}

// failures returns one error for the databases that a watch could not take.
func (c *cli) failures(w *watch.Watch) error {
	errs, well := w.Failures()
	all := outcomes{cli: c, succeeded: well}
	for _, err := range errs {
		all.add(err, well+len(errs) > 1)
	}
	return all.outcome()
}

// eventMessage is an event in JSON.
type eventMessage struct {
	Type        string    `json:"message_type"` // "watch"
	Event       string    `json:"event"`
	Time        time.Time `json:"time"`
	Problem     bool      `json:"problem,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Message     string    `json:"message"`
}

// printEvent prints an event on a line. The journal of systemd has a time of its own.
func (c *cli) printEvent(e watch.Event) {
	line := e.String()
	if e.Level == watch.Problem {
		line = "warning: " + line
	}
	if c.program.Getenv("JOURNAL_STREAM") == "" {
		line = e.Time.In(c.program.Zone).Format("2006-01-02 15:04:05 MST") + " " + line
	}
	switch {
	case e.Level == watch.Detail && (!c.json || !c.flags.verbose):
		c.detail("%s", line)
	case c.json:
		_ = c.printJSON(eventMessage{"watch", e.Kind, e.Time.UTC(), e.Level == watch.Problem, e.Environment, e.Text}) // the watch goes on without a reader
	case e.Level == watch.Problem:
		c.printMessage(c.stderr, "", "%s", line)
	default:
		c.Done("%s", line)
	}
}
