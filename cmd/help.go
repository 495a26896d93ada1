package cmd

import (
	"bytes"

	"github.com/spf13/cobra"

	"firn/config"
)

// newConfigurationHelp is no command: it has nothing to run.
func newConfigurationHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "configuration",
		Short: "The configuration file and its keys",
		Long:  config.Help,
	}
}

// setHelp has help written at once, and its error kept for the end of the run: cobra would
// print it and go on, so that a help that nobody got would end well.
func (c *cli) setHelp(root *cobra.Command) {
	write := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		var text bytes.Buffer
		cmd.SetOut(&text)
		write(cmd, args)
		cmd.SetOut(c.stdout)
		_, c.helpError = c.stdout.Write(text.Bytes())
	})
}
