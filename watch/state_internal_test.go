package watch

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"firn/outcome"
	"firn/site"
	"firn/sqlite"
)

// TestStatesAreDocumented checks that each state of a database has its line in the document.
func TestStatesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []State{
		Opening, Waiting, Watched, Elsewhere, Missing, Locked, NotYet, Damaged, Denied, Stuck, NoRoom, Unsuited, Broken, Failing, Suspicious,
	} {
		if !strings.Contains(string(text), "`"+string(s)+"`") {
			t.Errorf("%q has no line", s)
		}
	}
}

// TestStateOf classifies errors as they come from sources.
func TestStateOf(t *testing.T) {
	t.Parallel()
	for want, err := range map[State]error{
		Elsewhere: outcome.ErrRunning, Missing: fs.ErrNotExist, Locked: sqlite.ErrBusy, NotYet: sqlite.ErrEmpty, Damaged: sqlite.ErrCorrupt,
		Denied: fs.ErrPermission, Stuck: outcome.ErrStuck, NoRoom: sqlite.ErrNoSpace, Unsuited: errUnsuited, Broken: &site.PanicError{Value: "x"}, Failing: os.ErrClosed,
	} {
		if got := stateOf(outcome.OfSource(fmt.Errorf("open: %w", err))); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
