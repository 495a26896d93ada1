package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/session"
	"firn/snapshot"
)

// referring is a command with snapshots as arguments.
type referring struct {
	path         string
	most         int  // the number of snapshots among the arguments that the shell completes
	environments bool // arguments may name environments, too
	onlyIDs      bool // only IDs are accepted, since the command removes snapshots or has environments in the same place
	ownFlag      bool // the command has a flag --snapshot of its own
	moments      int  // the number of all its arguments, if --at can stand for the snapshots among them; else 0
}

// takeReferences lets a person name snapshots in the same ways for every command: as arguments, and by --snapshot, which may
// be repeated if the command takes several, and so may --at where it is. The shell completes them.
func (c *cli) takeReferences(root *cobra.Command) {
	for _, r := range []referring{
		{path: "dump", most: 1, moments: 1}, {path: "query", most: 1, moments: 2}, {path: "diff", most: 2, moments: 2},
		{path: "tag add", most: 1}, {path: "tag remove", most: 1}, {path: "pin", most: 99}, {path: "unpin", most: 99},
		{path: "forget", most: 99, environments: true, onlyIDs: true}, {path: "copy", most: 99, environments: true, onlyIDs: true},
		{path: "verify", most: 99, environments: true, ownFlag: true}, {path: "restore", most: 2, environments: true, ownFlag: true},
	} {
		cmd, _, err := root.Find(strings.Fields(r.path))
		if err != nil {
			panic(err) // the table above names a command that does not exist
		}
		if !r.ownFlag {
			addReferenceFlag(cmd, r.onlyIDs)
		}
		if r.moments > 0 {
			c.addMomentFlag(cmd, r.moments)
		}
		cmd.ValidArgsFunction = c.completeReferences(r.most, r.environments)
		_ = cmd.RegisterFlagCompletionFunc("snapshot", c.completeReferences(99, false)) // it exists: no error
	}
}

// addReferenceFlag adds the flag --snapshot to a command. Its values are put in front of the arguments.
func addReferenceFlag(cmd *cobra.Command, onlyIDs bool) {
	usage := "ID of a `snapshot`, latest, latest:ENV, or a time"
	if onlyIDs {
		usage = "ID of a `snapshot`"
	}
	refs := cmd.Flags().StringArray("snapshot", nil, usage)
	changeArguments(cmd, func(args []string) ([]string, error) {
		for _, ref := range *refs {
			if onlyIDs && !session.IsID(ref) {
				return nil, outcome.Usage(`Give at least 4 digits of an ID: "firn snapshots" lists them.`, "%s: --snapshot %s is no ID", cmd.Name(), ref)
			}
		}
		return slices.Concat(*refs, args), nil
	})
}

// addMomentFlag adds the flag --at to a command whose arguments are snapshots and other words; takes is their number. The values
// of the flag stand for snapshots. An environment may then be the first argument.
func (c *cli) addMomentFlag(cmd *cobra.Command, takes int) {
	moments := cmd.Flags().StringArray("at", nil, momentUsage)
	_ = cmd.RegisterFlagCompletionFunc("at", c.completeMoment) // it exists: no error
	changeArguments(cmd, func(args []string) ([]string, error) {
		return session.WithMoments(*moments, args, takes), c.checkMoments(cmd, *moments...)
	})
}

// momentUsage is the help of --at.
const momentUsage = "the newest not after a `time`: 2026-11-21T14:03, -90s"

// checkMoments returns an error for values of --at that are no times, and for a command that is given --snapshot as well.
func (c *cli) checkMoments(cmd *cobra.Command, moments ...string) error {
	if len(moments) > 0 && cmd.Flags().Changed("snapshot") {
		return outcome.Usage("", "%s: --at and --snapshot each name a snapshot: only one of them can be given", cmd.Name())
	}
	for _, m := range moments {
		if _, err := c.program.ParseMoment(m); err != nil {
			return fmt.Errorf("--at: %w", err)
		}
	}
	return nil
}

// changeArguments lets a function change the arguments of a command before they are checked.
func changeArguments(cmd *cobra.Command, change func([]string) ([]string, error)) {
	check, run := cmd.Args, cmd.RunE
	changed := func(then cobra.PositionalArgs) cobra.PositionalArgs {
		return func(cmd *cobra.Command, args []string) error {
			args, err := change(args)
			if err != nil {
				return err
			}
			return then(cmd, args)
		}
	}
	if check != nil {
		cmd.Args = changed(check)
	}
	cmd.RunE = changed(run)
}

// completionTime is the longest time that the shell waits for snapshots.
const completionTime = 2 * time.Second

// completeReferences returns a function that completes snapshots, at most so many as arguments, and environments.
func (c *cli) completeReferences(most int, environments bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) (found []string, how cobra.ShellCompDirective) {
		if at := cmd.Flags().Lookup("at"); environments || at != nil && at.Changed {
			found, _ = c.completeEnvironment(cmd, args, prefix)
		}
		if len(args) < most {
			found = append(found, c.completeWords(cmd, args, prefix, (*session.Session).References)...)
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeMoment completes the times of snapshots.
func (c *cli) completeMoment(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return c.completeWords(cmd, args, prefix, (*session.Session).Moments), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completedEnvironment returns the environment that the earlier words of the command line name, "" for none.
func (c *cli) completedEnvironment(cmd *cobra.Command, args []string) string {
	if from := cmd.Flags().Lookup("from"); from != nil && from.Changed {
		return from.Value.String()
	}
	if conf, err := c.program.LoadConfig(); err == nil && len(args) > 0 && conf.Lookup(args[0]) != nil {
		return args[0]
	}
	return ""
}

// completeWords returns the words for snapshots that begin with a prefix. Each has a description for the shell. Errors are not
// reported, since a person has only pressed a key.
func (c *cli) completeWords(cmd *cobra.Command, args []string, prefix string,
	words func(*session.Session, []*snapshot.Snapshot, string) []session.Word) (found []string) {
	ctx, stop := context.WithTimeout(cmd.Context(), completionTime)
	defer stop()
	s := c.openSilently(ctx)
	if s == nil {
		return nil
	}
	defer s.Close()
	all, _ := s.Repo.Snapshots(ctx)
	for _, w := range words(s, session.Filter(all, snapshot.Filter{Environment: c.completedEnvironment(cmd, args)}), prefix) {
		if strings.HasPrefix(w.Text, prefix) {
			found = append(found, w.Text+"\t"+inLine(w.About))
		}
	}
	return found
}

// openSilently opens the repository without a message or a question, if its key is in a file or in the environment. It returns
// nil if that fails. It does not run a password command, since such a command could ask a question.
func (c *cli) openSilently(ctx context.Context) *session.Session {
	quiet := c.program
	quiet.Reporter, quiet.AskPassword, quiet.CommandOutput, quiet.Input = nil, nil, io.Discard, strings.NewReader("")
	conf, err := quiet.LoadConfig()
	if err != nil {
		return nil
	}
	key, err := quiet.KeySource(conf)
	if err != nil || key.PasswordCommand != "" || key.Count() == 0 && session.DefaultKeyFile(conf) == "" {
		return nil
	}
	s, err := quiet.Open(ctx, session.OpenOptions{OnlyExistingCache: true})
	if err != nil {
		return nil
	}
	return s
}
