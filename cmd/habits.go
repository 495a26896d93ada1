package cmd

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/habits"
	"firn/outcome"
)

// hintFor returns the hint for a word or a flag that a command does not know: firn's way of it, "" for none.
func hintFor(cmd *cobra.Command, word string) string {
	command := ""
	if cmd.HasParent() {
		command = cmd.Name()
	}
	return habits.Hint(command, word)
}

// unknownFlag explains an error of a flag that firn does not know: another tool has it, or it is mistyped.
func unknownFlag(cmd *cobra.Command, err error) (hint string) {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return ""
	}
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		return hintFor(cmd, "-"+short) // such as -timestamp, which is not -t, -i, ...
	}
	name, flags := unknown.GetSpecifiedName(), []string{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	if hint := hintFor(cmd, "--"+name); hint != "" {
		return hint
	}
	if near := habits.Near(name, flags); near != "" {
		return "Did you mean --" + near + "?"
	}
	return ""
}

// takeHabits adds hidden flags that have the same meaning in other tools.
func (c *cli) takeHabits(root *cobra.Command) {
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "repo" {
			name = "repository"
		}
		return pflag.NormalizedName(name)
	})
	set := root.PersistentFlags()
	set.Bool("no-lock", false, "firn has no locks")
	set.BoolVar(&c.json, "json", false, "print JSON")
	root.Flags().BoolVar(&c.showVersion, "version", false, "show the version")
	hide(set, "no-lock", "json")
	hide(root.Flags(), "version")
}

// hide leaves flags out of the help.
func hide(set *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = set.MarkHidden(name) // the flags exist: no error
	}
}

// refuseJSON returns an error if --json is given for a command that prints no JSON.
func (c *cli) refuseJSON(cmd *cobra.Command) error {
	if c.json && cmd.HasParent() && cmd.LocalNonPersistentFlags().Lookup("json") == nil {
		c.json = false
		return outcome.Usage(seeHelp(cmd), "%s prints no JSON", cmd.CommandPath())
	}
	return nil
}
