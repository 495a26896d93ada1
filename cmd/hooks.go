package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"firn/retention"
)

const (
	// A command around a backup is killed after so long, unless hook_timeout says
	// otherwise: one that hangs would keep all later runs from starting.
	hookTimeout = 10 * time.Minute
	// After an interrupt somebody waits for the end, who could not end it any sooner.
	interruptedTimeout = 5 * time.Second
	// So long is waited for output of processes that a command has left running.
	hookGrace = time.Second
	// So much of a command's output is shown with --quiet, when it fails.
	hookOutput = 64 << 10
)

// watch is what an environment's operator has put around its backups: commands, a
// monitor that is pinged, and a file with metrics.
type watch struct {
	*session
	env  *environment
	ping *pinger
}

func newWatch(s *session, env *environment) *watch {
	return &watch{s, env, newPinger(s.caller, env)}
}

// around has a backup watched. An error of the backup, or of a command, is an error of
// the run: whoever is told of failures shall be told of it.
func (w *watch) around(ctx context.Context, backup func() (*backupMessage, error)) error {
	return w.tellAll(ctx, func() (*backupMessage, error) { return w.backUp(ctx, backup) })
}

// notBegun tells of a backup that something has kept from its beginning: the commands
// around a backup are not run, but everybody who is told of failures is told of this one.
func (w *watch) notBegun(ctx context.Context, cause error) {
	_ = w.tellAll(ctx, func() (*backupMessage, error) { return nil, cause })
}

// tellAll tells of the start and the end of a run.
func (w *watch) tellAll(ctx context.Context, run func() (*backupMessage, error)) error {
	began, before := w.now(), w.requests()
	w.ping.start(ctx)
	m, err := run()
	w.recordMetrics(ctx, recorded{w.env, began, w.now().Sub(began), w.requests() - before, m, err})
	if err != nil {
		w.failed(ctx, m, err)
		return err
	}
	w.ping.succeeded(ctx, m)
	return nil
}

// backUp runs the backup between its commands.
func (w *watch) backUp(ctx context.Context, backup func() (*backupMessage, error)) (*backupMessage, error) {
	if err := w.run(ctx, "before", w.env.Before, w.env.hookTimeout(), nil); err != nil {
		return nil, err
	}
	m, err := backup()
	if err != nil {
		return m, err
	}
	if err := w.run(ctx, "after", w.env.After, w.env.hookTimeout(), w.outcome(m, nil)); err != nil {
		return m, fmt.Errorf("snapshot %s is stored, but %w", m.SnapshotID[:8], err)
	}
	return m, nil
}

// requests returns how many were made to a bucket so far.
func (s *session) requests() int64 {
	if s.counter == nil {
		return 0
	}
	return s.counter.Traffic().Requests()
}

// failed tells of a failure; an interrupt is one, and must not keep it from being told.
func (w *watch) failed(ctx context.Context, m *backupMessage, err error) {
	limit := w.env.failureTimeout(ctx)
	if e := w.run(context.WithoutCancel(ctx), "on_failure", w.env.OnFailure, limit, w.outcome(m, err)); e != nil {
		w.warn("%s: %v", w.env.name, e)
	}
	w.ping.failed(ctx, err)
}

// outcome returns the variables that tell a command what has happened.
func (w *watch) outcome(m *backupMessage, err error) []string {
	var vars []string
	if m != nil {
		vars = append(vars,
			"FIRN_SNAPSHOT="+m.SnapshotID,
			"FIRN_SIZE="+strconv.FormatInt(m.Size, 10),
			"FIRN_ADDED="+strconv.FormatInt(m.Added, 10),
			"FIRN_UNCHANGED="+strconv.FormatBool(m.Unchanged),
			"FIRN_DURATION="+strconv.FormatFloat(m.Duration, 'f', 3, 64))
	}
	if err != nil {
		code, _ := classify(err)
		vars = append(vars, variable("FIRN_ERROR", err.Error()), "FIRN_EXIT_CODE="+strconv.Itoa(code))
	}
	return vars
}

// run runs a command, if there is one. What it prints is shown; with --quiet or --json,
// only if it fails.
func (w *watch) run(ctx context.Context, name, command string, limit time.Duration, vars []string) error {
	if command == "" {
		return nil
	}
	w.detail("%s: run %s: %s", w.env.name, name, command)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := shellGroup(ctx, command)
	cmd.Env = append(cmd.Env, "FIRN_HOOK="+name, variable("FIRN_ENV", w.env.name), "FIRN_DATABASE="+strings.ReplaceAll(w.env.Database, "\x00", "")) // a path must be one
	cmd.Env = append(cmd.Env, vars...)
	cmd.WaitDelay = hookGrace
	output := &tail{limit: hookOutput}
	cmd.Stdout, cmd.Stderr = w.hookOutput, w.hookOutput
	if w.hookOutput == nil {
		cmd.Stdout, cmd.Stderr = output, output
	}
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // it is done, and has left something running
		return nil
	}
	if len(output.bytes) > 0 && w.hookFailed != nil {
		w.hookFailed(w.env.name, name, output.bytes)
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

func (e *environment) hookTimeout() time.Duration {
	d, err := e.HookTimeout.value("hook_timeout") // validated
	if err != nil || d == 0 {
		return hookTimeout
	}
	return d
}

// failureTimeout is for OnFailure, after which nothing else is done.
func (e *environment) failureTimeout(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return min(e.hookTimeout(), interruptedTimeout)
	}
	return e.hookTimeout()
}

// checkHooks refuses what cannot be run or asked for.
func (e *environment) checkHooks() error {
	if _, err := e.HookTimeout.value("hook_timeout"); err != nil {
		return err
	}
	if e.Ping == "" {
		return nil
	}
	if _, err := parsePing(e.Ping); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}
