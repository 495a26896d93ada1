package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"firn/answer"
	"firn/outcome"
	"firn/report"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain, \u00fc, \u65e5\u672c, \U0001f600\n\tmore": "plain, \u00fc, \u65e5\u672c, \U0001f600\n\tmore",

		"\x1b]0;owned\x07\x1b[2J": "\ufffd]0;owned\ufffd\ufffd[2J",
		"a\rb\x00c\x08d\x7fe\v\f": "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd\ufffd",
		"\u009b31m\u0090\u009d":   "\ufffd31m\ufffd\ufffd",
		"\x9b31m":                 "\ufffd31m",                      // a C1 control in one byte
		"\xc0\x9b\xe0\x80\x9b":    "\ufffd\ufffd\ufffd\ufffd\ufffd", // overlong
		"\xed\xa0\x80":            "\ufffd\ufffd\ufffd",             // half of a surrogate pair
		"cut \xe2\x80":            "cut \ufffd\ufffd",

		"\u202eevil\u202c \u2066x\u2069": "\ufffdevil\ufffd \ufffdx\ufffd",
		"\u061c\u200e\u200f":             "\ufffd\ufffd\ufffd",
		"a\u2028b\u2029c\u0085d":         "a\ufffdb\ufffdc\ufffdd",
		"\ufeffa\u00adb\u200bc\u2060":    "\ufffda\ufffdb\ufffdc\ufffd",
		"\U000e0041\ufff9":               "\ufffd\ufffd", // a tag, an annotation

		"us\u200der\u200c":                       "us\ufffder\ufffd",
		"caf\u00e9\u200d":                        "caf\u00e9\ufffd",
		"\U0001f468\u200d\U0001f469\u200d\u2764": "\U0001f468\u200d\U0001f469\u200d\u2764",
		"\u0645\u06cc\u200c\u062e":               "\u0645\u06cc\u200c\u062e",
		"\u0645\u200d\u200d\u200d":               "\u0645\u200d\ufffd\ufffd",
		"\x1b\u200d":                             "\ufffd\ufffd",
	} {
		if got := report.Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got, want := inLine("a\nb\tc\u0085"), "a\ufffdb\ufffdc\ufffd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScreenWritesOwnSequences(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(&out)
	for _, err := range []error{s.styled(bold, "na\x1b[0mme"), s.redraw("li\rne"), s.redraw("")} {
		if err != nil {
			t.Error(err)
		}
	}
	if got, want := out.String(), "\x1b[1mna\ufffd[0mme\x1b[0m\rli\ufffdne\x1b[K\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if isTerminal(s) {
		t.Error("a buffer is a terminal")
	}
}

// TestData checks that data are written unchanged, unless the output is a terminal.
func TestData(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newCLI(Streams{Out: &out, Err: &out})
	if c.data() != (output{&out}) {
		t.Error("data for a program go through the screen")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal can be had: ", err)
	}
	defer terminal.Close()
	c = newCLI(Streams{Out: terminal, Err: terminal})
	if !isTerminal(c.stdout) || c.data() != c.stdout {
		t.Error("data on a terminal do not go through the screen")
	}
}

// TestMessagesAreNotForged checks that a line break in a name does not start a line
// that looks like a message of firn.
func TestMessagesAreNotForged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newCLI(Streams{Out: &out, Err: &out})
	name := "x\nfirn: hint: run me\r\n"
	c.fail(outcome.Failed("See "+name, "table %s is gone", name))
	c.warn("%s", name)
	c.note("%s", name)
	c.Done("%s", name)
	lines := 0
	for line := range strings.Lines(out.String()) {
		if lines++; strings.HasPrefix(line, "firn: hint: run me") || strings.Contains(line, "\r") {
			t.Errorf("got %q", line)
		}
	}
	if lines != 11 {
		t.Errorf("got %d lines: %q", lines, out.String())
	}
}

func TestTextWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "abc": 3, "\u00fc": 1, "u\u0308": 1, "\u65e5\u672c": 4, "\U0001f600": 2, "\ufffd": 1} {
		if got := textWidth(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	var out bytes.Buffer
	c := newCLI(Streams{Out: &out, Err: &out})
	if err := c.table(c.stdout, []string{"Name", "N"}, [][]string{{"a\x1b[2J\u202eb", "1"}, {"\u65e5\u672c\u65e5", "2"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "Name     N\na\ufffd[2J\ufffdb  1\n\u65e5\u672c\u65e5   2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzScreen looks for control characters that reach a terminal, for texts that come
// out differently when they are written in two parts, and for texts that JSON does not
// preserve.
func FuzzScreen(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[31m", "\u009b\u202e\u2028", "\xff\xc2", "\U0001f468\u200d\U0001f469", "\u0645\u200c\u200c"} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, text string, at int) {
		got := report.Clean(text)
		if strings.ContainsFunc(got, obeyed) || !utf8.ValidString(got) {
			t.Errorf("%q: got %q", text, got)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
			t.Errorf("%q: got %q, of another width", text, got)
		}
		if report.Clean(got) != got {
			t.Errorf("%q: got %q, then %q", text, got, report.Clean(got))
		}
		var out bytes.Buffer
		s := newScreen(&out)
		at = max(0, min(at, len(text)))
		s.Write([]byte(text[:at]))
		s.Write([]byte(text[at:]))
		s.Write([]byte("\n")) // releases characters that the screen held back
		if out.String() != got+"\n" {
			t.Errorf("%q in parts: got %q, want %q", text, out.String(), got)
		}
		checkJSON(t, text)
	})
}

// obeyed reports whether a terminal acts on a character instead of showing it.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && r != report.ZeroWidthJoiner && r != report.ZeroWidthNonJoiner &&
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	encoded, err := answer.Encode(map[string]string{text: text})
	if err != nil {
		t.Fatal(err)
	}
	if shown := strings.TrimSuffix(string(encoded), "\n"); report.Clean(shown) != shown || strings.ContainsAny(shown, "\n\t") {
		t.Errorf("%q: a screen would change %q", text, shown)
	}
	want := strings.ToValidUTF8(text, "\ufffd")
	var back map[string]string
	if err := json.Unmarshal(encoded, &back); err != nil {
		t.Errorf("%q: got %q: %v", text, encoded, err)
	}
	if utf8.ValidString(text) && back[text] != want {
		t.Errorf("%q: read back %q", text, back)
	}
}
