package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/serve"
	"firn/store/wire"
)

func newStore(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Offer a folder for repositories to other hosts",
		Long: `A host with firn and an SSH server can keep the repositories of other hosts, and bind them
to rules that no intruder there can break.`,
		Args: cobra.ArbitraryArgs,
		RunE: runRoot,
	}
	cmd.AddCommand(newStoreServe(c))
	return cmd
}

// storeServe has the flags of store serve.
type storeServe struct {
	stdio, appendOnly bool
	quota, log        string
}

func newStoreServe(c *cli) *cobra.Command {
	var o storeServe
	cmd := &cobra.Command{
		Use:   "serve --stdio FOLDER",
		Short: "Serve a folder over standard input and output",
		Long: `Serves a folder, and those below it, to firn on another host, where the repository is
ssh://user@host/path. That firn starts this command by ssh. It needs no key of the
repository, and reads no configuration.

A line of authorized_keys can force the command for a key. The client then cannot leave
the folder, and the flags bind it: with --append-only it can add, and neither delete nor
replace. Forget and prune then run on this host, or with another key. What is refused is
told on standard error, and in the file of --log.`,
		Example: `  # in ~/.ssh/authorized_keys of a user of its own:
  command="firn store serve --stdio --append-only /srv/firn",restrict KEY`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.serveStore(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.stdio, "stdio", false, "speak over standard input and output (required)")
	f.BoolVar(&o.appendOnly, "append-only", false, "let nothing be deleted")
	f.StringVar(&o.quota, "quota", "", "`size` that the folder may have, such as 50GB")
	f.StringVar(&o.log, "log", "", "append what is refused to this `file`, with time and address")
	_ = cmd.MarkFlagFilename("log") // the flag exists: no error
	return cmd
}

// serveStore serves a folder until the client goes away.
func (c *cli) serveStore(ctx context.Context, folder string, o storeServe) error {
	const hint = `Put it into authorized_keys of this host: command="firn store serve --stdio FOLDER",restrict ssh-ed25519 AAAA...`
	if !o.stdio {
		return outcome.Usage(hint, "store serve: --stdio is missing")
	}
	if isTerminal(c.stdin) || isTerminal(c.stdout) {
		return outcome.Usage(hint, "store serve: firn of another host speaks here, not a person at a terminal")
	}
	opts, err := c.storeOptions(folder, o.appendOnly, o.quota)
	if err != nil {
		return err
	}
	refusals := &refusals{cli: c, from: cmp.Or(firstWord(c.program.Getenv("SSH_CONNECTION")), "-")}
	if o.log != "" {
		file, err := os.OpenFile(o.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("log of refusals: %w", err)
		}
		defer file.Close() // each line was written
		refusals.log = file
	}
	opts.Refused = refusals.tell
	if err := serve.Store(ctx, c.stdin, outgoing{c.stdout.out}, opts); err != nil && !errors.Is(err, errUnread) {
		return fmt.Errorf("serve %s: %w", folder, err)
	}
	return nil
}

// storeOptions checks the arguments. A folder that begins with ~/ is below the home, as the other side may name it.
func (c *cli) storeOptions(folder string, appendOnly bool, quota string) (o serve.StoreOptions, err error) {
	o = serve.StoreOptions{Home: c.program.Getenv("HOME"), AppendOnly: appendOnly, Tool: toolVersion()}
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // without one, a place below it is refused
	}
	if folder == "~" || strings.HasPrefix(folder, "~/") {
		folder = filepath.Join(o.Home, folder[1:])
	}
	if o.Dir, err = filepath.Abs(folder); err != nil {
		return o, err
	}
	if quota != "" {
		o.Quota, err = config.ParseSize(quota)
		if err == nil && o.Quota == 0 {
			err = errors.New("it leaves no room")
		}
		if err != nil {
			return o, outcome.Usage("", "store serve: --quota: %w", err)
		}
	}
	return o, nil
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// outgoing is standard output. Its end is that of the process.
type outgoing struct{ io.Writer }

// Close does nothing.
func (outgoing) Close() error { return nil }

// refusals tells what was refused.
type refusals struct {
	cli  *cli
	from string    // the address of the client
	log  io.Writer // nil for none

	mu    sync.Mutex
	count int
}

// mostRefusals is how many refusals of one connection are told: a client that goes on and on shall not fill a disk.
const mostRefusals = 100

// tell writes one line for a refusal. A log that cannot be written does not end the service.
func (r *refusals) tell(refused wire.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.count > mostRefusals {
		return
	}
	line := inLine(fmt.Sprintf("refused: %.300s: %.500s", refused.Request, refused.Err))
	if r.count == mostRefusals {
		line += " (further refusals of this connection are not told)"
	}
	r.cli.warn("%s", line)
	if r.log != nil {
		_, _ = fmt.Fprintf(r.log, "%s %s %s\n", r.cli.program.Now().UTC().Format(time.RFC3339), inLine(r.from), line)
	}
}
