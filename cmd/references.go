package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/report"
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
}

// takeReferences lets a person name snapshots in the same two ways for every command: as arguments, and by --snapshot, which may
// be repeated if the command takes several. The shell completes both.
func (c *cli) takeReferences(root *cobra.Command) {
	for _, r := range []referring{
		{path: "dump", most: 1}, {path: "query", most: 1}, {path: "diff", most: 2},
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
	check, run := cmd.Args, cmd.RunE
	if check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return check(cmd, slices.Concat(*refs, args)) }
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, ref := range *refs {
			if onlyIDs && !session.IsID(ref) {
				return outcome.Usage(`Give at least 4 digits of an ID: "firn snapshots" lists them.`, "%s: --snapshot %s is no ID", cmd.Name(), ref)
			}
		}
		return run(cmd, slices.Concat(*refs, args))
	}
}

// isReference reports whether a word names a snapshot, and is no environment of the configuration or of the list.
func isReference(conf *config.Config, list []*snapshot.Snapshot, word string) bool {
	means := word == "latest" || word == snapshot.LatestVerified || isTime(word) || meansSnapshot(word)
	return means && !conf.Knows(word) && !slices.Contains(session.Environments(list), word)
}

// completionTime is the longest time that the shell waits for snapshots.
const completionTime = 2 * time.Second

// completeReferences returns a function that completes snapshots, at most so many as arguments, and environments.
func (c *cli) completeReferences(most int, environments bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) (found []string, how cobra.ShellCompDirective) {
		if environments {
			found, _ = c.completeEnvironment(cmd, args, prefix)
		}
		if len(args) < most {
			ctx, stop := context.WithTimeout(cmd.Context(), completionTime)
			defer stop()
			found = append(found, c.references(ctx, c.completedEnvironment(cmd, args), prefix)...)
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
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

// references returns the snapshots that a prefix may mean: their IDs, and also their times if the prefix is not empty. Each has
// a description for the shell. Errors are not reported, since a person has only pressed a key.
func (c *cli) references(ctx context.Context, environment, prefix string) (found []string) {
	s := c.openSilently(ctx)
	if s == nil {
		return nil
	}
	defer s.Close()
	all, _ := s.Repo.Snapshots(ctx)
	add := func(word, about string) {
		if strings.HasPrefix(word, prefix) {
			found = append(found, word+"\t"+inLine(about))
		}
	}
	if len(all) > 0 {
		add("latest", "the newest snapshot")
		add(snapshot.LatestVerified, "the newest snapshot that was found sound")
	}
	for _, snap := range session.Filter(all, snapshot.Filter{Environment: environment}) {
		about := fmt.Sprintf("%s, %s, %s", s.When(snap.Time), snap.Environment, report.Size(snap.Image().Size))
		add(snap.ID.String()[:max(len(snap.ID.Short()), min(len(prefix), 2*snapshot.IDLen))], about)
		if prefix != "" {
			add(snap.Time.In(s.Zone).Format("2006-01-02T15:04:05"), about)
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
