package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/process"
	"firn/retention"
)

// outcome returns the variables that tell a command what has happened.
func (w *watch) outcome(result *Result, err error) []string {
	var vars []string
	if result != nil {
		vars = append(vars,
			"FIRN_SNAPSHOT="+result.Snapshot.ID.String(),
			"FIRN_SIZE="+strconv.FormatInt(result.Size(), 10),
			"FIRN_ADDED="+strconv.FormatInt(result.Snapshot.Added, 10),
			"FIRN_UNCHANGED="+strconv.FormatBool(result.Unchanged()),
			"FIRN_DURATION="+strconv.FormatFloat(result.Duration.Seconds(), 'f', 3, 64))
	}
	if err != nil {
		code, _ := outcome.Classify(err)
		vars = append(vars, process.Variable("FIRN_ERROR", err.Error()), "FIRN_EXIT_CODE="+strconv.Itoa(code))
	}
	return vars
}

// run runs a command, if there is one. The output of the command goes to the caller's HookOutput. Without that writer, the
// end of the output is kept, and passed to the caller's HookFailed if the command fails.
func (w *watch) run(ctx context.Context, name, command string, limit time.Duration, vars []string) error {
	if command == "" {
		return nil
	}
	w.Detail("%s: run %s: %s", w.env.Name, name, command)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := process.ShellGroup(ctx, command)
	cmd.Env = append(cmd.Env, "FIRN_HOOK="+name, process.Variable("FIRN_ENV", w.env.Name), "FIRN_DATABASE="+strings.ReplaceAll(w.env.Database, "\x00", "")) // a path must be one
	cmd.Env = append(cmd.Env, vars...)
	cmd.WaitDelay = config.HookGrace
	output := &tail{limit: config.HookOutput}
	cmd.Stdout, cmd.Stderr = w.HookOutput, w.HookOutput
	if w.HookOutput == nil {
		cmd.Stdout, cmd.Stderr = output, output
	}
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // the command is done, and has left something running
		return nil
	}
	if len(output.bytes) > 0 && w.HookFailed != nil {
		w.HookFailed(w.env.Name, name, output.bytes)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it was killed after %s", retention.FormatDuration(limit))
	}
	return fmt.Errorf("%s command failed: %w", name, err)
}

// tail keeps the end of what is written to it.
type tail struct {
	bytes []byte
	limit int
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - t.limit; extra > 0 {
		t.bytes = bytes.Clone(t.bytes[extra:])
	}
	return len(p), nil
}
