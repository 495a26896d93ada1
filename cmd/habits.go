package cmd

import (
	_ "embed"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/outcome"
)

// habitsText is the table of words that users of other tools type. The document on migration has the same rows.
//
//go:embed habits.txt
var habitsText string

// habit is a word of another tool's command line, with firn's way to do the same in one line.
type habit struct{ tool, word, way string }

// habits returns the rows of the table.
func habits() (all []habit) {
	for line := range strings.Lines(habitsText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if fields := strings.SplitN(strings.TrimSpace(line), " | ", 3); len(fields) == 3 {
			all = append(all, habit{fields[0], fields[1], fields[2]})
		}
	}
	return all
}

// firnsWay returns the hint for a word that firn does not know, "" for none. A row for the given command counts before a row for
// all commands. A row of one word that is no flag is a command beside firn's, and no subcommand.
func firnsWay(cmd *cobra.Command, word string) string {
	any := ""
	for _, h := range habits() {
		if strings.HasPrefix(h.way, "taken") {
			continue // it is a word of firn's, but not here
		}
		switch h.word {
		case cmd.Name() + " " + word:
			return h.hint()
		case word:
			if !cmd.HasParent() || strings.HasPrefix(word, "-") { // "key delete" is not borg's delete
				any = h.hint()
			}
		}
	}
	return any
}

// hint returns firn's way behind the name of the other tool, since the word may mean something else to users of a third tool.
func (h habit) hint() string {
	tools := map[string]string{"restic": "restic's", "litestream": "Litestream's", "borg": "borg's"}
	return "That is " + tools[h.tool] + ". In firn: " + h.way
}

// unknownFlag explains an error of a flag that firn does not know and another tool does.
func unknownFlag(cmd *cobra.Command, err error) (hint string) {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return ""
	}
	name := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		return firnsWay(cmd, "-"+short) // such as -timestamp, which is not -t, -i, ...
	}
	return firnsWay(cmd, "--"+name)
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
