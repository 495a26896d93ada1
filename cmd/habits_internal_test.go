package cmd

import (
	"os"
	"strings"
	"testing"
)

// TestHabitsAreInTheDocument compares the table of the program with that of the document.
func TestHabitsAreInTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Words of other tools")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := strings.Count(section, "\n| `")
	if all := habits(); rows != len(all) || rows < 40 {
		t.Errorf("the document has %d rows, the program %d", rows, len(all))
	}
	for _, h := range habits() {
		if !strings.Contains(section, "| `"+h.word+"` | "+h.way+" |") {
			t.Errorf("docs/migration.md has no row for %s of %s", h.word, h.tool)
		}
	}
}

// TestHabitsAreNoWordsOfFirn finds rows that a new command or flag has made untrue.
func TestHabitsAreNoWordsOfFirn(t *testing.T) {
	t.Parallel()
	root := newRoot(newCLI(Streams{}))
	for _, h := range habits() {
		word, taken := h.word, strings.HasPrefix(h.way, "taken")
		if taken || strings.HasPrefix(word, "-") || strings.Contains(word, " --") {
			continue
		}
		if cmd, _, err := root.Find(strings.Fields(word)); err == nil && cmd != root && cmd.CommandPath() == "firn "+word {
			t.Errorf("firn has the command %s", word)
		}
	}
}
