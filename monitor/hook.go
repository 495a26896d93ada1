package monitor

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
	"firn/session"
)

// FailureVariables returns the variables that tell a command of an error.
func FailureVariables(err error) []string {
	code, _ := outcome.Classify(err)
	return []string{process.Variable("FIRN_ERROR", err.Error()), "FIRN_EXIT_CODE=" + strconv.Itoa(code)}
}

// RunHook runs a command of an environment, if there is one. The name of the hook is "before", for instance. The output of the
// command goes to the caller's HookOutput. Without that writer, the end of the output is kept, and passed to the caller's HookFailed
// if the command fails.
func RunHook(ctx context.Context, c *session.Caller, env *config.Environment, name, command string, limit time.Duration, vars []string) error {
	if command == "" {
		return nil
	}
	c.Detail("%s: run %s: %s", env.Name, name, command)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := process.ShellGroup(ctx, command)
	cmd.Env = append(cmd.Env, "FIRN_HOOK="+name, process.Variable("FIRN_ENV", env.Name), "FIRN_DATABASE="+strings.ReplaceAll(env.Database, "\x00", "")) // a path must be one
	cmd.Env = append(cmd.Env, vars...)
	cmd.WaitDelay = config.HookGrace
	output := &tail{limit: config.HookOutput}
	cmd.Stdout, cmd.Stderr = c.HookOutput, c.HookOutput
	if c.HookOutput == nil {
		cmd.Stdout, cmd.Stderr = output, output
	}
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // the command is done, and has left something running
		return nil
	}
	if len(output.bytes) > 0 && c.HookFailed != nil {
		c.HookFailed(env.Name, name, output.bytes)
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
