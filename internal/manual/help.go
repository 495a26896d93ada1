package manual

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The screen that a help fits on, if it can.
const (
	screenWidth  = 80
	screenHeight = 24
)

// rare marks the flags that a short help only names.
const rare = "rare"

// Rare marks flags of a command that its short help only names.
func Rare(set *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = set.SetAnnotation(name, rare, nil) // it exists: no error
	}
}

// Short returns the help of a command on one screen: the first paragraph of its text, its own flags, and as many examples and
// more paragraphs as fit. The last line says where the rest is.
func Short(cmd *cobra.Command) string {
	paragraphs := strings.Split(long(cmd), "\n\n")
	more := fmt.Sprintf("More: firn help %s, firn help flags, firn help exit-codes", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "))
	start := usage(cmd) + "\n" + paragraph(paragraphs[0])
	end := below(cmd) + flagRows(ownFlags(cmd), true) + more + "\n"
	room := screenHeight - strings.Count(start+end, "\n") - 1 // for the blank line behind the examples
	lines := slices.Collect(strings.Lines(strings.Trim(cmd.Example, "\n")))
	lines = lines[:min(len(lines), max(room, 1))]
	room -= len(lines)
	for _, text := range paragraphs[1:] {
		text = paragraph(text)
		if room -= strings.Count(text, "\n"); room < 0 {
			break
		}
		start += text
	}
	return start + section(strings.Join(lines, "")) + end
}

// paragraph is a text with a blank line behind it. One whose first line is indented stays as it is.
func paragraph(text string) string {
	if !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "\t") {
		text = wrap(text, 0)
	}
	return section(text)
}

// Full returns all that is known of a command, but for the flags of all commands.
func Full(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(usage(cmd) + "\n")
	for text := range strings.SplitSeq(long(cmd), "\n\n") {
		b.WriteString(paragraph(text))
	}
	b.WriteString(section(cmd.Example) + below(cmd) + flagRows(ownFlags(cmd), false))
	return b.String() + "More: firn help flags, firn help exit-codes\n"
}

// GlobalFlags returns the rows of the flags that all commands have.
func GlobalFlags(root *cobra.Command) string {
	return flagRows(globalFlags(root), false)
}

func globalFlags(root *cobra.Command) (flags []*pflag.Flag) {
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f) })
	return flags
}

// long returns the text of a command without the white space around it.
func long(cmd *cobra.Command) string {
	return strings.Trim(cmp.Or(cmd.Long, cmd.Short+"."), "\n")
}

func usage(cmd *cobra.Command) string {
	line := "Usage: " + strings.TrimSuffix(cmd.UseLine(), " [flags]")
	if cmd.HasAvailableSubCommands() && !strings.Contains(line, "COMMAND") {
		line += " COMMAND"
	}
	return wrap(line, len("Usage: "))
}

// section is a text with a blank line behind it.
func section(text string) string {
	if text = strings.Trim(text, "\n"); text == "" {
		return ""
	}
	return text + "\n\n"
}

// below returns rows of the commands below a command.
func below(cmd *cobra.Command) string {
	var rows [][2]string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			rows = append(rows, [2]string{sub.Name(), sub.Short})
		}
	}
	return section(columns(rows))
}

// ownFlags returns the flags that belong to one command, in the order in which it defines them. Those that several commands
// have in common come last.
func ownFlags(cmd *cobra.Command) (flags []*pflag.Flag) {
	set := cmd.Flags()
	set.SortFlags = false
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f != cmd.Root().PersistentFlags().Lookup(f.Name) {
			flags = append(flags, f)
		}
	})
	common := []string{"prune", "yes", "dry-run", "json"}
	slices.SortStableFunc(flags, func(a, b *pflag.Flag) int {
		return slices.Index(common, a.Name) - slices.Index(common, b.Name)
	})
	return flags
}

// flagRows returns the rows of flags that are not hidden. With short, the rare ones are only named.
func flagRows(flags []*pflag.Flag, short bool) string {
	var rows [][2]string
	var others []string
	letters := slices.ContainsFunc(flags, func(f *pflag.Flag) bool { return f.Shorthand != "" })
	for _, f := range flags {
		_, isRare := f.Annotations[rare]
		switch {
		case f.Hidden:
		case isRare && short:
			others = append(others, "--"+f.Name)
		default:
			rows = append(rows, flagRow(f, letters))
		}
	}
	text := columns(rows)
	if len(others) > 0 {
		text += wrap("  also "+strings.Join(others, ", "), 7)
	}
	return section(text)
}

// flagRow returns what a flag is called and what it does.
func flagRow(f *pflag.Flag, letters bool) [2]string {
	value, text := describe(f)
	name := strings.TrimSpace("--" + f.Name + " " + value)
	switch {
	case f.Shorthand != "":
		name = "-" + f.Shorthand + ", " + name
	case letters:
		name = "    " + name
	}
	return [2]string{name, text}
}

// describe returns the name of a flag's value and what the flag does, with its default.
func describe(f *pflag.Flag) (value, text string) {
	value, text = pflag.UnquoteUsage(f)
	if f.Value.Type() == "bool" {
		value = ""
	}
	if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
		text += " (default: " + f.DefValue + ")"
	}
	return value, text
}

// columns puts rows into two columns; a text that is too long goes on in its column.
func columns(rows [][2]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(wrap(fmt.Sprintf("  %-*s  %s", width, row[0], row[1]), width+4))
	}
	return b.String()
}

// wrap breaks a text between words, and indents its lines after the first. The spaces at its beginning and before its
// indentation stay as they are.
func wrap(text string, indent int) string {
	var b strings.Builder
	line := text[:min(indent, len(text))]
	for _, word := range strings.Fields(text[len(line):]) {
		if strings.TrimSpace(line) != "" && len(line)+1+len(word) > screenWidth {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", indent)
		}
		if len(line) > indent {
			line += " "
		}
		line += word
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}
