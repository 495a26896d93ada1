package cmd

import (
	"cmp"
	_ "embed"
	"strings"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/internal/manual"
	"firn/outcome"
)

// overview is the help of firn itself: one screen.
//
//go:embed overview.txt
var overview string

// lookup says where firn looks for its configuration and its key.
//
//go:embed lookup.txt
var lookup string

// addTopics adds the topics of the help. They are commands that have nothing to run.
func addTopics(root *cobra.Command) {
	root.AddCommand(
		&cobra.Command{Use: "configuration", Short: "The configuration file and its keys", Long: config.Help},
		&cobra.Command{Use: "flags", Short: "The flags of all commands", Long: manual.GlobalFlags(root) + lookup},
		&cobra.Command{Use: "rows", Short: "Single rows of a snapshot", Long: rowsHelp},
		&cobra.Command{Use: "exit-codes", Short: "The exit codes", Long: outcome.Codes})
}

// newHelp returns the command that explains another one in full.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | configuration | flags | rows | exit-codes]",
		Short: "Explain a command or a topic",
		Long: `Explains a command in full: "--help" after the command shows one screen of that. The topics are the
configuration file, the flags that all commands have, single rows of a snapshot, and the exit codes.`,
		ValidArgsFunction: func(help *cobra.Command, args []string, prefix string) (found []string, _ cobra.ShellCompDirective) {
			if cmd, _, err := help.Root().Find(args); err == nil {
				for _, sub := range cmd.Commands() {
					if strings.HasPrefix(sub.Name(), prefix) && !sub.Hidden {
						found = append(found, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return found, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(help *cobra.Command, args []string) error {
			cmd, rest, err := help.Root().Find(args)
			if cmd == nil || err != nil || len(rest) > 0 {
				return runRoot(cmp.Or(cmd, help.Root()), args[len(args)-max(len(rest), 1):])
			}
			_, err = help.OutOrStdout().Write([]byte(helpText(cmd, manual.Full)))
			return err
		},
	}
}

// helpText returns the help of a command; a topic is its text.
func helpText(cmd *cobra.Command, show func(*cobra.Command) string) string {
	switch {
	case !cmd.HasParent():
		return overview
	case !cmd.Runnable() && !cmd.HasSubCommands():
		return cmd.Long
	}
	return show(cmd)
}

// setHelp has help written at once, and its error kept for the end of the run. cobra would print the error and go on, so that
// a help that was not written would end well.
func (c *cli) setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_, c.helpError = c.stdout.Write([]byte(helpText(cmd, manual.Short)))
	})
}
