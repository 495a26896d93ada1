package cmd_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"firn/cmd"
)

// stopper interrupts the command at its first output.
type stopper struct{ stop func() }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}

func TestQueryInterrupted(t *testing.T) {
	t.Parallel()
	p := newWorkspace(t)
	ctx, stop := context.WithCancel(t.Context())
	var said bytes.Buffer
	args := append([]string{"query", "latest:production", "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT i FROM c", "--csv", "--repository", p.path("repo")}, p.args...)
	code := cmd.Run(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: stopper{stop}, Err: &said})
	if want := "firn: interrupted: nothing was left half-done\n"; code != 130 || said.String() != want {
		t.Errorf("got code %d and %q, want 130 and %q", code, &said, want)
	}
}
