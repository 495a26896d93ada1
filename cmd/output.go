package cmd

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"firn/answer"
)

// The rules of output:
//
//   - Requested data (tables, JSON, an image, a new key) goes to standard
//     output, in full, also with --quiet. With --json nothing else goes there.
//   - Each environment or command prints one line about its result to standard
//     output, see [cli.Done]. With --quiet it does not, so that a successful
//     cron job prints nothing.
//   - All other messages go to standard error: questions, progress, notes
//     ([cli.note], not with --quiet or --json), details ([cli.detail], with
//     --verbose only), warnings and errors (always).
//   - Progress bars and colours are for terminals. Colours are off with
//     --no-color or NO_COLOR. No fact is expressed by a colour alone.
//   - A terminal obeys no character of a printed text: both streams are a
//     [screen]. Output for programs (dump, CSV, schedule) does not pass the
//     screen, see [cli.data]. JSON escapes the characters that a screen would
//     replace.
//   - In tables, sizes are IEC and times local with their zone. In JSON, sizes
//     are bytes, times RFC 3339 in UTC, durations seconds.

// Done prints the result of a command or an environment, on standard output.
func (c *cli) Done(format string, args ...any) {
	if !c.flags.quiet && !c.json {
		c.printMessage(c.stdout, "", format, args...)
	}
}

// note prints a fact that the user may want to know.
func (c *cli) note(format string, args ...any) {
	if !c.flags.quiet && !c.json {
		c.printMessage(c.stderr, "", format, args...)
	}
}

// detail prints a fact that helps to find the cause of a problem.
func (c *cli) detail(format string, args ...any) {
	if c.flags.verbose {
		c.printMessage(c.stderr, "", format, args...)
	}
}

// warn prints a warning: something needs attention but stops nothing.
func (c *cli) warn(format string, args ...any) {
	if c.json {
		c.writeJSON(c.stderr, map[string]string{"message_type": "warning", "message": fmt.Sprintf(format, args...)})
		return
	}
	c.printMessage(c.stderr, "firn: warning: ", format, args...)
}

// printMessage writes a message and indents its lines after the first. So a line break in a name cannot make the rest of the
// name look like a message of firn's.
func (c *cli) printMessage(w io.Writer, prefix, format string, args ...any) {
	c.bar.Load().hide()
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintln(w, prefix+strings.ReplaceAll(text, "\n", "\n    "))
}

// data returns standard output for data that another program reads: all bytes pass unchanged. A terminal gets them through its
// screen, since a person reads them.
func (c *cli) data() io.Writer {
	if isTerminal(c.stdout) {
		return c.stdout
	}
	return c.stdout.out
}

// printJSON writes one value, on one line, to standard output.
func (c *cli) printJSON(v any) error { return c.writeJSON(c.stdout, v) }

// writeJSON writes one value, on one line.
func (c *cli) writeJSON(w io.Writer, v any) error {
	text, err := answer.Encode(v)
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// colored reports whether a stream gets colours.
func (c *cli) colored(w io.Writer) bool {
	return !c.flags.noColor && c.program.Getenv("NO_COLOR") == "" && c.program.Getenv("TERM") != "dumb" && isTerminal(w)
}

// The styles of printed texts have the numbers of ECMA-48.
const (
	bold = 1
	red  = 31
)

// style writes a text, in a style if the stream gets colours.
func (c *cli) style(w io.Writer, style int, text string) error {
	if s, ok := w.(*screen); ok && c.colored(s) {
		return s.styled(style, text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// utf8 reports whether the locale uses UTF-8. Names are printed unchanged in any locale.
func (c *cli) utf8() bool {
	locale := cmp.Or(c.program.Getenv("LC_ALL"), c.program.Getenv("LC_CTYPE"), c.program.Getenv("LANG"))
	return strings.Contains(strings.ToUpper(strings.ReplaceAll(locale, "-", "")), "UTF8")
}

// seconds returns a number of seconds as a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
