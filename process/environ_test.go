package process_test

import (
	"strings"
	"testing"

	"firn/process"
)

// TestVariable checks that no text in a variable prevents a command from
// running.
func TestVariable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\u00fc", 1<<20)
	for text, want := range map[string]string{
		"plain":          "plain",
		"two\nlines":     "two\nlines",
		"a\x00b\x1b[2Jc": "a\ufffdb\ufffd[2Jc",
		long:             long[:process.VariableMost],
		"x" + long:       "x" + long[:process.VariableMost-2],
	} {
		got := process.Variable("FIRN_ERROR", text)
		if got != "FIRN_ERROR="+want {
			t.Errorf("got %.40q, %d bytes, want %.40q, %d", got, len(got), want, len(want))
		}
		cmd := process.Shell(t.Context(), ":")
		cmd.Env = append(cmd.Env, got)
		if err := cmd.Run(); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
