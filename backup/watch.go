package backup

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/session"
)

// watch is everything that an operator has put around the backups of an environment: commands, a monitor that is pinged, and
// a file with metrics.
type watch struct {
	*session.Session
	env         *config.Environment
	metricsFile string // in place of the configured one
	ping        *monitor.Ping
}

func newWatch(s *session.Session, env *config.Environment, metricsFile string) *watch {
	return &watch{s, env, metricsFile, monitor.NewPing(s.Caller, env)}
}

// around runs a backup between its commands, and tells of its start and its end. An error of a command is an error of the
// backup: commands and monitors that are told of failures are told of it.
func (w *watch) around(ctx context.Context, backup func() (*Result, error)) (*Result, error) {
	return w.tellAll(ctx, func() (*Result, error) { return w.betweenCommands(ctx, backup) })
}

// notBegun tells of a backup that something has kept from its beginning. The commands before and after a backup are not
// run, but the command on failure, the monitor and the metrics are told.
func (w *watch) notBegun(ctx context.Context, cause error) {
	_, _ = w.tellAll(ctx, func() (*Result, error) { return nil, cause })
}

// tellAll tells of the start and the end of a run.
func (w *watch) tellAll(ctx context.Context, run func() (*Result, error)) (*Result, error) {
	before := w.Requests()
	began := w.begin(ctx)
	result, err := run()
	w.end(ctx, began, w.Requests()-before, result, err)
	return result, err
}

// begin tells of the start, and returns its time.
func (w *watch) begin(ctx context.Context) time.Time {
	w.ping.Start(ctx)
	return w.Now()
}

// end tells of the end of a run.
func (w *watch) end(ctx context.Context, began time.Time, requests int64, result *Result, err error) {
	w.recordMetrics(ctx, recorded{w.env, began, w.Now().Sub(began), requests, result, err})
	if err != nil {
		w.failed(ctx, result, err)
		return
	}
	w.ping.Succeeded(ctx, result.Summary(w.Zone))
}

// betweenCommands runs the command before a backup, the backup, and the command after it.
func (w *watch) betweenCommands(ctx context.Context, backup func() (*Result, error)) (*Result, error) {
	if err := w.run(ctx, "before", w.env.Before, w.env.HookLimit(), nil); err != nil {
		return nil, err
	}
	result, err := backup()
	if err != nil {
		return result, err
	}
	if err := w.run(ctx, "after", w.env.After, w.env.HookLimit(), w.outcome(result, nil)); err != nil {
		return result, fmt.Errorf("snapshot %s is stored, but %w", result.Snapshot.ID.Short(), err)
	}
	return result, nil
}

// failed tells of a failure. An interrupt is a failure, too, and must not keep it from being told.
func (w *watch) failed(ctx context.Context, result *Result, err error) {
	limit := w.env.FailureLimit(ctx)
	if e := w.run(context.WithoutCancel(ctx), "on_failure", w.env.OnFailure, limit, w.outcome(result, err)); e != nil {
		w.Warn("%s: %v", w.env.Name, e)
	}
	w.ping.Failed(ctx, err)
}

// pruneFailed tells that no space could be freed after a backup whose success was told.
func (w *watch) pruneFailed(ctx context.Context, began time.Time, err error) {
	w.recordMetrics(ctx, recorded{env: w.env, began: began, took: w.Now().Sub(began), err: err})
	w.failed(ctx, nil, err)
}

// run runs a command of the environment, if there is one.
func (w *watch) run(ctx context.Context, name, command string, limit time.Duration, vars []string) error {
	return monitor.RunHook(ctx, w.Caller, w.env, name, command, limit, vars)
}

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
		vars = append(vars, monitor.FailureVariables(err)...)
	}
	return vars
}
