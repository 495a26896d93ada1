package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/internal/manual"
	"firn/outcome"
)

func newMan(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages",
		Long: `Writes a manual page for each command, and one for firn.toml, into man1 and man5 of the
folder. They have the same text as "firn help COMMAND".`,
		Example: `  firn man /usr/local/share/man
  firn man /tmp/man && man -M /tmp/man firn-backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return manual.Write(cmd.Root(), args[0], c.manualTexts())
		},
	}
}

// manualTexts returns what the manual pages have beside the texts of the commands.
func (c *cli) manualTexts() manual.Texts {
	_, date := revision()
	if date.IsZero() {
		date = c.program.Now()
	}
	_, table, _ := strings.Cut(outcome.Codes, "\n")
	return manual.Texts{Date: date, ExitCodes: table, Configuration: config.Help}
}
