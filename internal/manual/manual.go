// Package manual shows the help of commands: on a terminal, and as manual pages.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Texts are the parts of the manual pages beside the texts of commands and flags.
type Texts struct {
	Date          time.Time // the date of the program's source, so that the same program always writes the same pages
	ExitCodes     string    // the table of exit codes
	Configuration string    // the example for the page of firn.toml
}

// tagged is the macro that begins a list whose items have a head and a text.
const tagged = ".Bl -tag -width Ds\n"

// page is a manual page in mdoc(7), the format that man-db and mandoc read.
type page struct {
	name    string // firn-key-add
	section string
	strings.Builder
}

// Write writes a manual page for each command, and one for firn.toml, into man1 and man5 of the folder.
func Write(root *cobra.Command, dir string, texts Texts) error {
	for _, p := range pages(root, texts) {
		path := filepath.Join(dir, "man"+p.section, p.name+"."+p.section)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(p.String()), 0o644)
		}
		if err != nil {
			return fmt.Errorf("write a manual page: %w", err)
		}
	}
	return nil
}

// pages returns all pages.
func pages(root *cobra.Command, texts Texts) []*page {
	var list []*page
	add := func(name, section string) *page {
		p := &page{name: name, section: section}
		p.macro("Dd", texts.Date.UTC().Format("January 2, 2006"))
		p.macro("Dt", strings.ToUpper(name), section)
		p.macro("Os")
		list = append(list, p)
		return p
	}
	all := commands(root)
	for _, cmd := range all {
		p := add(strings.ReplaceAll(cmd.CommandPath(), " ", "-"), "1")
		p.head(cmd.Short)
		p.command(cmd, all, texts)
	}
	p := add("firn.toml", "5")
	p.head("configuration of firn")
	p.section5(texts.Configuration)
	return list
}

// commands returns a command and all commands below it, without hidden commands and help.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			all = append(all, commands(sub)...)
		}
	}
	return all
}

// macro writes a macro with arguments that are plain text.
func (p *page) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, a := range args {
		p.WriteString(` "` + strings.ReplaceAll(escapeRoff(a), `"`, `\(dq`) + `"`)
	}
	p.WriteByte('\n')
}

// head writes the first section, with the name of the page and a short description.
func (p *page) head(short string) {
	p.macro("Sh", "NAME")
	p.macro("Nm", p.name)
	p.macro("Nd", strings.ToLower(short[:1])+short[1:])
}

// command writes the other sections of a command's page.
func (p *page) command(cmd *cobra.Command, all []*cobra.Command, texts Texts) {
	p.macro("Sh", "SYNOPSIS")
	p.macro("Nm", cmd.CommandPath())
	p.filled(arguments(cmd))
	p.macro("Sh", "DESCRIPTION")
	p.text(cmd.Long + map[bool]string{true: cmd.Short + "."}[cmd.Long == ""])
	p.subcommands(cmd)
	if cmd.HasParent() {
		p.flags(ownFlags(cmd))
		p.macro("Pp")
		p.line("The options of all commands, and the exit status, are in")
		p.macro("Xr", "firn", "1")
	} else {
		p.flags(globalFlags(cmd))
		p.macro("Sh", "EXIT STATUS")
		p.literal(texts.ExitCodes)
	}
	if cmd.Example != "" {
		p.macro("Sh", "EXAMPLES")
		p.literal(cmd.Example)
	}
	p.seeAlso(all)
}

// arguments returns the arguments and flags that a person types after the name of a command.
func arguments(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return "COMMAND [ARGUMENTS] [flags]"
	}
	return strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())
}

// subcommands writes the list of the commands below a command.
func (p *page) subcommands(cmd *cobra.Command) {
	below := slices.DeleteFunc(commands(cmd), func(sub *cobra.Command) bool { return sub.Parent() != cmd })
	if len(below) == 0 {
		return
	}
	p.macro("Ss", "Commands")
	p.WriteString(tagged)
	for _, sub := range below {
		p.macro("It", sub.Name())
		p.line(sub.Short + ":")
		p.macro("Xr", strings.ReplaceAll(sub.CommandPath(), " ", "-"), "1")
	}
	p.macro("El")
}

// flags writes the list of the options without hidden ones.
func (p *page) flags(list []*pflag.Flag) {
	list = slices.DeleteFunc(list, func(f *pflag.Flag) bool { return f.Hidden })
	if len(list) == 0 {
		return
	}
	p.macro("Ss", "Options")
	p.WriteString(tagged)
	for _, f := range list {
		value, text := describe(f)
		item := ".It"
		if f.Shorthand != "" {
			item += " Fl " + f.Shorthand + " ,"
		}
		item += " Fl " + escapeRoff("-"+f.Name)
		if value != "" {
			item += ` Ar "` + escapeRoff(value) + `"`
		}
		p.WriteString(item + "\n")
		p.filled(text)
	}
	p.macro("El")
}

// seeAlso writes the names of related pages: the overview, and in the overview all pages.
func (p *page) seeAlso(all []*cobra.Command) {
	p.macro("Sh", "SEE ALSO")
	if p.name != "firn" {
		p.macro("Xr", "firn", "1")
		return
	}
	for _, cmd := range all[1:] {
		p.macro("Xr", strings.ReplaceAll(cmd.CommandPath(), " ", "-"), "1", ",")
	}
	p.macro("Xr", "firn.toml", "5")
}

// section5 writes the sections of the page of the configuration.
func (p *page) section5(configuration string) {
	p.macro("Sh", "DESCRIPTION")
	p.filled("The file has settings, so that firn needs no options for them. This example has all of them:")
	p.macro("Pp")
	p.literal(configuration)
	p.seeAlso(nil)
}

// text writes paragraphs. It keeps the lines of a paragraph whose first line is indented.
func (p *page) text(text string) {
	for i, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			p.macro("Pp")
		}
		if strings.HasPrefix(paragraph, " ") || strings.HasPrefix(paragraph, "\t") {
			p.literal(paragraph)
			continue
		}
		p.filled(strings.Join(strings.Fields(paragraph), " "))
	}
}

// filled writes running text with each sentence on a line of its own, since a line feed is how mdoc tells the end of a sentence
// from an abbreviation.
func (p *page) filled(text string) {
	for line := range strings.Lines(strings.NewReplacer(". ", ".\n", "? ", "?\n", "! ", "!\n").Replace(text)) {
		p.line(strings.TrimSpace(line))
	}
}

// literal writes lines that keep their line breaks.
func (p *page) literal(text string) {
	p.WriteString(".Bd -literal -compact\n")
	for line := range strings.Lines(text) {
		p.line(strings.TrimRight(strings.ReplaceAll(line, "\t", "    "), "\n "))
	}
	p.macro("Ed")
}

// line writes a line of text. It protects a first character that would begin a macro.
func (p *page) line(text string) {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		p.WriteString(`\&`)
	}
	p.WriteString(escapeRoff(text) + "\n")
}

// escapeRoff escapes a text so that a reader can copy it into a shell. A plain backslash would begin an escape, and some programs
// print a plain minus as a hyphen.
func escapeRoff(s string) string { return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s) }
