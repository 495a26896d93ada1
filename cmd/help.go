package cmd

import (
	"bytes"

	"github.com/spf13/cobra"

	"firn/config"
)

// newConfigurationHelp returns a topic of the help. It is no command, so it has no function to run.
func newConfigurationHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "configuration",
		Short: "The configuration file and its keys",
		Long:  config.Help,
	}
}

// setHelp replaces the function that prints help. The new function writes the whole text at once and keeps the error for the end
// of the run. With cobra's own function, a run would succeed although its help could not be written.
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
