package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firn/outcome"
)

const about = `firn keeps the history of SQLite databases. It takes consistent snapshots of live
databases, stores only what changed, encrypted, thins old snapshots by rules, and
restores any of them into any environment.

`

// newRoot returns the command firn with all commands below it.
func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:           "firn",
		Short:         "Keeps the history of SQLite databases",
		Long:          about + lookup, // of the manual page
		SilenceErrors: true,           // see errors.go
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // to suggest commands, below
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.showVersion && len(args) == 0 {
				return c.printVersion()
			}
			return runRoot(cmd, args)
		},

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.refuseJSON(cmd); err != nil {
				return err
			}
			c.applyFlags()
			c.warnZone()
			c.warnMemory()
			return c.profiles.start()
		},
	}
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 { // the command itself is unknown
			return runRoot(cmd, args)
		}
		err = outcome.Usage(cmp.Or(unknownFlag(cmd, err), seeHelp(cmd)), "%w", err)
		if cmd.Name() == backupName {
			c.reportWrongFlags(cmd.Context(), err)
		}
		return err
	})
	c.setHelp(root)
	root.SetHelpCommand(newHelp())
	c.addGlobalFlags(root)
	c.takeHabits(root)
	c.profiles.addFlags(root)
	root.AddCommand(
		newInit(c), newBackup(c), newWatch(c), newSnapshots(c), newStatus(c),
		newRestore(c), newUndo(c), newVerify(c), newDump(c), newQuery(c), newDiff(c), newHistory(c), newFind(c), newTag(c), newPin(c), newUnpin(c),
		newForget(c), newPrune(c), newCopy(c), newStats(c), newCheck(c), newKey(c), newSchedule(c), newAgent(c), newStore(c), newServe(c), newToken(c), newMan(c), newVersion(c))
	addTopics(root)
	refuseOtherShells(root)
	checkArguments(root)
	c.takePaths(root)
	c.takeReferences(root)
	return root
}

// runRoot prints the help of a command with subcommands, or returns the error for an unknown subcommand.
func runRoot(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := seeHelp(cmd)
	cmd.SuggestionsMinimumDistance = min(2, len(args[0])/3)
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "Did you mean " + strings.Join(near, " or ") + "?"
	}
	hint = cmp.Or(hintFor(cmd, args[0]), hint)
	return outcome.Usage(hint, "unknown command %q", args[0])
}

// refuseOtherShells makes a shell that the completion does not know an error, as is any unknown subcommand.
func refuseOtherShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, runRoot
		}
	}
}

// seeHelp returns the hint that names the help of a command.
func seeHelp(cmd *cobra.Command) string {
	return fmt.Sprintf(`See "%s --help".`, cmd.CommandPath())
}

// checkArguments makes errors in the number of arguments usage errors, in a command's subcommands.
func checkArguments(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if check := cmd.Args; check != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				err := check(cmd, args)
				if _, hinted := errors.AsType[*outcome.Error](err); err == nil || hinted {
					return err
				}
				return outcome.Usage("Usage: "+cmd.UseLine(), "%w", err)
			}
		}
		checkArguments(cmd)
	}
}

// noArguments returns an error if a command has arguments. The error of [cobra.NoArgs] is not used, since it is about an unknown
// command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, and %q is one", cmd.CommandPath(), args[0])
	}
	return nil
}

// addGlobalFlags adds the flags that all commands have.
func (c *cli) addGlobalFlags(root *cobra.Command) {
	f, own, set := &c.program.Settings, &c.flags, root.PersistentFlags()
	set.SortFlags = false
	set.StringVarP(&f.Repository, "repository", "r", "", "`folder` or s3:https://... ($FIRN_REPOSITORY)")
	set.StringVar(&f.KeyFile, "key-file", "", "`file` with the key, or - ($FIRN_KEY_FILE)")
	set.StringVar(&f.PasswordFile, "password-file", "", "`file` with the password ($FIRN_PASSWORD_FILE)")
	set.StringVar(&f.PasswordCommand, "password-command", "", "`command` that prints the password")
	set.StringVar(&f.Config, "config", "", "configuration `file` ($FIRN_CONFIG)")
	set.StringVar(&f.CacheDir, "cache-dir", "", "`folder` for caches ($FIRN_CACHE_DIR)")
	set.StringVar(&f.CacheSize, "cache-size", "", "`bytes` of S3 to keep here (default: 1GiB)")
	set.BoolVar(&f.NoCache, "no-cache", false, "use no cache")
	set.StringVar(&f.LimitUpload, "limit-upload", "", "`KiB` per second to send at most, or 2MB")
	set.StringVar(&f.LimitDownload, "limit-download", "", "`KiB` per second to receive at most")
	set.BoolVarP(&own.quiet, "quiet", "q", false, "print nothing if all goes well")
	set.BoolVarP(&own.verbose, "verbose", "v", false, "print more")
	set.BoolVar(&own.noColor, "no-color", false, "use no colours ($NO_COLOR)")
	set.BoolP("help", "h", false, "explain the command on one screen")
	for _, name := range []string{"key-file", "password-file", "config"} {
		_ = root.MarkPersistentFlagFilename(name) // the flag exists: no error
	}
	_ = root.MarkPersistentFlagDirname("repository")
	_ = root.MarkPersistentFlagDirname("cache-dir")
}

// addJSONFlag adds --json to a command that can print JSON.
func (c *cli) addJSONFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
}
