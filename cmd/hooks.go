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

	"firn/config"
	"firn/outcome"
	"firn/process"
	"firn/retention"
	"firn/session"
)

// watch is what an environment's operator has put around its backups: commands, a
// monitor that is pinged, and a file with metrics.
type watch struct {
	*session.Session
	env  *config.Environment
	ping *pinger
}

func newWatch(s *session.Session, env *config.Environment) *watch {
	return &watch{s, env, newPinger(s.Caller, env)}
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
	began, before := w.Now(), w.Requests()
	w.ping.start(ctx)
	m, err := run()
	w.recordMetrics(ctx, recorded{w.env, began, w.Now().Sub(began), w.Requests() - before, m, err})
	if err != nil {
		w.failed(ctx, m, err)
		return err
	}
	w.ping.succeeded(ctx, m)
	return nil
}

// backUp runs the backup between its commands.
func (w *watch) backUp(ctx context.Context, backup func() (*backupMessage, error)) (*backupMessage, error) {
	if err := w.run(ctx, "before", w.env.Before, w.env.HookLimit(), nil); err != nil {
		return nil, err
	}
	m, err := backup()
	if err != nil {
		return m, err
	}
	if err := w.run(ctx, "after", w.env.After, w.env.HookLimit(), w.outcome(m, nil)); err != nil {
		return m, fmt.Errorf("snapshot %s is stored, but %w", m.SnapshotID[:8], err)
	}
	return m, nil
}

// failed tells of a failure; an interrupt is one, and must not keep it from being told.
func (w *watch) failed(ctx context.Context, m *backupMessage, err error) {
	limit := w.env.FailureLimit(ctx)
	if e := w.run(context.WithoutCancel(ctx), "on_failure", w.env.OnFailure, limit, w.outcome(m, err)); e != nil {
		w.Warn("%s: %v", w.env.Name, e)
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
		code, _ := outcome.Classify(err)
		vars = append(vars, process.Variable("FIRN_ERROR", err.Error()), "FIRN_EXIT_CODE="+strconv.Itoa(code))
	}
	return vars
}

// run runs a command, if there is one. What it prints is shown; with --quiet or --json,
// only if it fails.
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
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // it is done, and has left something running
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
