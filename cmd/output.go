package cmd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"firn/snapshot"
)

// The rules of output:
//
//   - What was asked for (tables, JSON, an image, a new key) goes to standard
//     output, in full, with --quiet too. With --json nothing else goes there.
//   - What was done is told on standard output by one line per environment or
//     command, see [cli.Done]; --quiet keeps it back, so that a cron job that
//     went well says nothing.
//   - Everything else goes to standard error: questions, progress, notes
//     ([cli.note], not with --quiet or --json), details ([cli.detail], with
//     --verbose only), warnings and errors (always).
//   - Progress bars are for terminals; colours too, and never with --no-color
//     or NO_COLOR. No meaning is in colours alone.
//   - Nothing of what is printed is obeyed by a terminal: both streams are a
//     [screen]. Output for programs (dump, CSV, schedule) goes past it, see
//     [cli.data]; JSON escapes what a screen would replace.
//   - In tables, sizes are IEC and times local with their zone. In JSON, sizes
//     are bytes, times RFC 3339 in UTC, durations seconds.

// Done tells what was done.
func (c *cli) Done(format string, args ...any) {
	if !c.flags.quiet && !c.json {
		c.printMessage(c.stdout, "", format, args...)
	}
}

// note tells what the user may want to know.
func (c *cli) note(format string, args ...any) {
	if !c.flags.quiet && !c.json {
		c.printMessage(c.stderr, "", format, args...)
	}
}

// detail tells what only the curious want to know.
func (c *cli) detail(format string, args ...any) {
	if c.flags.verbose {
		c.printMessage(c.stderr, "", format, args...)
	}
}

// warn tells of what needs attention but stops nothing.
func (c *cli) warn(format string, args ...any) {
	if c.json {
		c.writeJSON(c.stderr, map[string]string{"message_type": "warning", "message": fmt.Sprintf(format, args...)})
		return
	}
	c.printMessage(c.stderr, "firn: warning: ", format, args...)
}

// printMessage writes a message. Its lines after the first are indented, so that what follows a
// line break in a name does not look like a message of firn's.
func (c *cli) printMessage(w io.Writer, prefix, format string, args ...any) {
	c.bar.Load().hide()
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintln(w, prefix+strings.ReplaceAll(text, "\n", "\n    "))
}

// data returns standard output for what another program reads: it comes byte for byte.
// On a terminal a person reads it.
func (c *cli) data() io.Writer {
	if isTerminal(c.stdout) {
		return c.stdout
	}
	return c.stdout.out
}

// printJSON writes one value, on one line, to standard output.
func (c *cli) printJSON(v any) error { return c.writeJSON(c.stdout, v) }

func (c *cli) writeJSON(w io.Writer, v any) error {
	text, err := encodeJSON(v)
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// encodeJSON returns a value in JSON, on a line.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return escapeJSON(b.Bytes()), err
}

func (c *cli) colored(w io.Writer) bool {
	return !c.flags.noColor && c.program.Getenv("NO_COLOR") == "" && c.program.Getenv("TERM") != "dumb" && isTerminal(w)
}

// The styles of what is printed, by their numbers.
const (
	bold = 1
	red  = 31
)

// style writes a text in a style to a stream on which there are any.
func (c *cli) style(w io.Writer, style int, text string) error {
	if s, ok := w.(*screen); ok && c.colored(s) {
		return s.styled(style, text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// utf8 reports whether the locale is of UTF-8. Names are printed as they are, whatever it is.
func (c *cli) utf8() bool {
	locale := cmp.Or(c.program.Getenv("LC_ALL"), c.program.Getenv("LC_CTYPE"), c.program.Getenv("LANG"))
	return strings.Contains(strings.ToUpper(strings.ReplaceAll(locale, "-", "")), "UTF8")
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// snapshotMessage is a snapshot in JSON.
type snapshotMessage struct {
	ID          string    `json:"id"`
	ShortID     string    `json:"short_id"`
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Hostname    string    `json:"hostname"`
	Tags        []string  `json:"tags"`
	Size        int64     `json:"size"`
	Added       int64     `json:"added"`
	Parent      string    `json:"parent,omitempty"`
	ReplacedBy  string    `json:"replaced_by,omitempty"`
	Unchanged   bool      `json:"unchanged"`
	Pinned      bool      `json:"pinned"`
	Suspect     []string  `json:"suspect,omitempty"` // why it is unlikely to be meant

	Rows     *int64               `json:"rows"`     // of all tables; null: not known
	Tables   []snapshot.TableRows `json:"tables"`   // null: not known, or too many
	Verified *verifiedInfo        `json:"verified"` // null: never

	Original *snapshot.Origin `json:"original,omitempty"` // of a copy
}

// verifiedInfo is the last outcome of verify for a snapshot.
type verifiedInfo struct {
	Time    time.Time `json:"time"`
	How     string    `json:"how"`
	Sound   bool      `json:"sound"`
	Problem string    `json:"problem,omitempty"`

	Unchecked string `json:"unchecked,omitempty"` // what could not be looked at
}

func newVerified(v *snapshot.Verification) *verifiedInfo {
	if v == nil {
		return nil
	}
	return &verifiedInfo{v.Time, v.How, v.Sound(), v.Problem, v.Unchecked}
}

func newSnapshotMessage(s *snapshot.Snapshot) snapshotMessage {
	return snapshotMessage{
		ID: s.ID.String(), ShortID: s.ID.Short(), Time: s.Time,
		Environment: s.Environment, Database: s.Database, Hostname: s.Host,
		Tags: append([]string{}, s.Tags...),
		Size: s.Image().Size, Added: s.Added,
		Parent: idText(s.Parent), ReplacedBy: idText(s.ReplacedBy),
		Unchanged: s.Unchanged, Pinned: s.Pinned, Suspect: s.Suspect, Verified: newVerified(s.Verified),
		Rows: s.Image().RowCount, Tables: s.Image().Tables, Original: s.Original,
	}
}

func idText(id snapshot.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
