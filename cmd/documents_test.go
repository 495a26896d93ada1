package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firn/cmd"
)

var (
	codeBlock = regexp.MustCompile("(?s)```.*?```|(?m:^ {4}[^\n]*$)")
	codeSpan  = regexp.MustCompile("(?s)`[^`]+`")
	// documentedCommand finds a call of firn, whose words go on to the end of the line or to
	// what the shell understands as something else.
	documentedCommand = regexp.MustCompile(`(?m)(?:^|[ (]|bin/)firn ([a-z][^|<>;&#)]*)`)
	documentedValue   = regexp.MustCompile(`\$\([^)]*\)`) // of another program
	documentedWord    = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)
)

// TestDocumentedCommands holds the commands in the documents to the commands and flags
// that there are: each is asked for its help, which fails for a flag that it does not know.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range append(documents, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range documentedCommands(string(b)) {
			seen++
			checkDocumented(t, filepath.Base(path), words)
		}
	}
	if seen < 100 {
		t.Errorf("commands in the documents: got %d, want more than 100", seen)
	}
}

// documentedCommands returns the words behind firn of each command in a document.
func documentedCommands(document string) (commands [][]string) {
	blocks := codeBlock.FindAllString(document, -1)
	for _, span := range codeSpan.FindAllString(codeBlock.ReplaceAllString(document, ""), -1) {
		blocks = append(blocks, strings.Join(strings.Fields(strings.Trim(span, "`")), " "))
	}
	for _, block := range blocks {
		for _, match := range documentedCommand.FindAllStringSubmatch(documentedValue.ReplaceAllString(block, "X"), -1) {
			commands = append(commands, documentedWord.FindAllString(match[1], -1))
		}
	}
	return commands
}

// checkDocumented asks a command for its help, which must be its own.
func checkDocumented(t *testing.T, document string, words []string) {
	t.Helper()
	command := words[0]
	if command == "help" || command == "version" {
		return
	}
	var out, errs strings.Builder
	code := cmd.Run(t.Context(), append(words, "--help"), cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != 0 || !strings.Contains(out.String(), "firn "+command) {
		t.Errorf("%s: firn %s: exit code %d\n%s", document, strings.Join(words, " "), code, errs.String())
	}
}
