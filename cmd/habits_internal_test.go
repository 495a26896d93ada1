package cmd

import (
	"strings"
	"testing"

	"firn/internal/habits"
)

// TestHabitsAreNoWordsOfFirn finds rows that a new command or flag has made untrue.
func TestHabitsAreNoWordsOfFirn(t *testing.T) {
	t.Parallel()
	root := newRoot(newCLI(Streams{}))
	for _, h := range habits.All() {
		word := h.Word
		if h.Taken() || strings.HasPrefix(word, "-") || strings.Contains(word, " --") {
			continue
		}
		if cmd, _, err := root.Find(strings.Fields(word)); err == nil && cmd != root && cmd.CommandPath() == "firn "+word {
			t.Errorf("firn has the command %s", word)
		}
	}
}
