package cmd

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"firn/agent"
	"firn/outcome"
	"firn/session"
)

// agentOptions are the flags of agent.
type agentOptions struct {
	stdio, allowAll, writable bool
	allow                     []string
}

func newAgent(c *cli) *cobra.Command {
	var o agentOptions
	cmd := &cobra.Command{
		Use:   "agent --stdio --allow PATTERN...",
		Short: "Let firn on another host back up databases of this one",
		Long: `Answers firn on another host, which has started this command by ssh, and reads databases
for it. The other host has the keys and the repository: this host needs neither, and who
takes it over can neither read nor destroy what was stored.

The command belongs into authorized_keys of the user that reads the databases here, beside
the key of the other host's user. Then that key can do nothing else:

  command="firn agent --stdio --allow '/srv/app/*.db'",restrict ssh-ed25519 AA..

A PATTERN is an absolute path. In it, * and ? stand for parts of one name. A symbolic link
leads only to databases that fit a pattern themselves. With --writable, the other host may
also restore these databases.

The command reads no configuration file. It ends with its connection.`,
		Example: `  firn agent --stdio --allow '/srv/app/*.db' --allow /var/lib/forum/forum.sqlite`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.agent(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.stdio, "stdio", false, "answer on standard input and output")
	f.StringArrayVar(&o.allow, "allow", nil, "`pattern` of the paths of databases that may be read")
	f.BoolVar(&o.allowAll, "allow-all", false, "all databases that the user here can read")
	f.BoolVar(&o.writable, "writable", false, "the databases may also be restored")
	return cmd
}

// agent runs the command.
func (c *cli) agent(ctx context.Context, o agentOptions) error {
	switch {
	case !o.stdio:
		return outcome.Usage("firn on another host runs it by ssh: see the help.", "agent: --stdio is missing")
	case isTerminal(c.stdin):
		return outcome.Usage(`Write it into authorized_keys, as its help says. By hand, try it from the other host: firn backup --from ssh://USER@HOST/PATH --env NAME`,
			"agent: standard input is a terminal, and not firn on another host")
	case len(o.allow) == 0 && !o.allowAll:
		return outcome.Usage("Give --allow with a path or a pattern, once for each.", "agent: no database is allowed")
	}
	a, err := agent.New(agent.Options{
		Allow: o.allow, AllowAll: o.allowAll, Writable: o.writable, CacheDir: c.agentCache(), Version: toolVersion(),
		Now: c.program.Now, Silence: c.program.Silence,
	})
	if err != nil {
		return err
	}
	err = a.Serve(ctx, c.stdin, writeCloser{c.data()})
	if closed := a.Close(); err == nil {
		err = closed
	}
	return err
}

// agentCache returns the folder for the row counters of the agent, "" for none.
func (c *cli) agentCache() string {
	s := &session.Session{Caller: c.program}
	return s.OpenCache("agent") // where no repository is
}

// writeCloser is a writer whose end is the process's.
type writeCloser struct{ io.Writer }

// Close closes a file, so that the other side reads its end.
func (w writeCloser) Close() error {
	if f, ok := w.Writer.(*os.File); ok {
		return f.Close()
	}
	return nil
}
