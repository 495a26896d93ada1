package cmd

import (
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allCommands returns the commands that can be run, or have such below, and the topics of the help.
func allCommands(parent *cobra.Command) (all []*cobra.Command) {
	for _, cmd := range parent.Commands() {
		if !cmd.Hidden {
			all = append(append(all, cmd), allCommands(cmd)...)
		}
	}
	return all
}

func newWholeRoot() *cobra.Command {
	root := newRoot(newCLI(Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// helpOf runs firn and returns what it prints.
func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 {
		t.Errorf("firn %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// checkWidth fails if a line is wider than a terminal.
func checkWidth(t *testing.T, name, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 80 {
			t.Errorf("%s: %d columns: %s", name, width, line)
		}
	}
}

// TestHelpFitsTheScreen checks that each help has at most 24 rows of 80 columns, names all flags of its command, and ends with
// the topics that say the rest.
func TestHelpFitsTheScreen(t *testing.T) {
	t.Parallel()
	// exceptions are larger: this one is a file to copy and to change, with all that it can have.
	exceptions := []string{"firn configuration"}
	root := newWholeRoot()
	for _, cmd := range append(allCommands(root), root) {
		if slices.Contains(exceptions, cmd.CommandPath()) {
			continue
		}
		text := helpOf(t, append(strings.Fields(cmd.CommandPath())[1:], "--help")...)
		if rows := strings.Count(text, "\n"); rows > 24 {
			t.Errorf("%s --help: %d rows", cmd.CommandPath(), rows)
		}
		checkWidth(t, cmd.CommandPath()+" --help", text)
		if !cmd.Runnable() && cmd.Parent() == root && !cmd.HasSubCommands() {
			continue // a topic
		}
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, "firn help flags, firn help exit-codes") {
			t.Errorf("%s --help ends with %q", cmd.CommandPath(), last)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !f.Hidden && !strings.Contains(text, "--"+f.Name) {
				t.Errorf("%s --help lacks --%s", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// TestFullHelpFitsTheWidth checks the texts that "firn help COMMAND" shows, but for those of the completion, which are cobra's.
func TestFullHelpFitsTheWidth(t *testing.T) {
	t.Parallel()
	for _, cmd := range allCommands(newWholeRoot()) {
		if path := strings.Fields(cmd.CommandPath())[1:]; path[0] != "completion" && path[0] != "configuration" {
			checkWidth(t, "help "+strings.Join(path, " "), helpOf(t, append([]string{"help"}, path...)...))
		}
	}
}

// TestOverviewNamesAllCommands compares the one screen of firn with its commands.
func TestOverviewNamesAllCommands(t *testing.T) {
	t.Parallel()
	for _, cmd := range newWholeRoot().Commands() {
		if cmd.IsAvailableCommand() && !strings.Contains(overview, "  "+cmd.Name()+"  ") && !cmd.IsAdditionalHelpTopicCommand() {
			t.Errorf("the overview lacks %s", cmd.Name())
		}
	}
}
