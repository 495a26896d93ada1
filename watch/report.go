package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"firn/monitor"
	"firn/report"
	"firn/session"
	"firn/site"
)

const (
	// statePause is the time between two writings of the state file, for up to 200 databases; more take more.
	statePause        = time.Second
	databasesOfAPause = 200
	// metricsPause is the time between two writings of the metrics. Collectors read every 15 s at most.
	metricsPause = 10 * time.Second
)

// reports are the state file and the metrics.
type reports struct {
	reporting     bool // they are being written
	stating       timer
	metricsDue    timer
	reportProblem string
	roundsTaken   int64
	storeFailures int64
}

// reportState writes the state file and the metrics when they are due, apart: a disk may be slow.
func (w *Watch) reportState(now instant) {
	if w.reporting || !w.stating.due(now) {
		return
	}
	w.stating.set(now, statePause*time.Duration(1+len(w.databases)/databasesOfAPause))
	state, file := w.state(now), cmp.Or(w.options.MetricsFile, w.conf.MetricsFile)
	var metrics func(monitor.Samples)
	if file != "" && w.metricsDue.due(now) {
		w.metricsDue.set(now, metricsPause)
		metrics = w.samples(now)
	}
	w.reporting = true
	w.apart(func() func() {
		err := site.Caught(func() error { return w.writeReport(w.work, state, file, metrics) })
		return func() { w.reported(err) }
	})
}

// reported tells of a report that could not be written, once for each reason.
func (w *Watch) reported(err error) {
	w.reporting = false
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != w.reportProblem && text != "" {
		w.tell(Problem, kindMonitor, "the state for status and metrics could not be written: %s", text)
	}
	w.reportProblem = text
}

// state returns what the watch says of itself.
func (w *Watch) state(now instant) session.WatchState {
	st := session.WatchState{
		PID: w.pid, Host: w.host, Since: w.began.wall, Time: now.wall, Confirmed: w.confirmedAt.wall, Confirm: w.confirm,
		Unconfirmed: w.unconfirmed, Rounds: w.roundsTaken,
	}
	if w.away.err != nil {
		st.Problem, st.Away = w.away.err.Error(), w.away.since.wall
	}
	if w.spool != nil {
		st.SpoolObjects, st.SpoolBytes, st.SpoolSince = w.spool.Waiting()
	}
	for _, d := range w.databases {
		st.Databases = append(st.Databases, d.report())
	}
	return st
}

// report returns what the watch says of a database.
func (d *database) report() session.WatchedDatabase {
	r := session.WatchedDatabase{
		Environment: d.env.Name, Database: d.env.DatabaseName, Every: d.every, Stored: d.stored, State: string(d.state),
		JournalMode: d.follow.JournalMode, Held: d.follow.Held, NotHeld: d.follow.NotHeld, Full: maps.Clone(d.follow.Full),
		Rounds: d.rounds, Failures: d.fails, Holes: d.holes, Problem: d.complaint.reason,
	}
	if d.fault != nil && !d.expected {
		r.Problem, r.Since = fmt.Sprintf("%s: %v", d.state, d.fault), d.faulty.wall
	}
	return r
}

// samples returns a function that writes the values of the watch into the metrics.
func (w *Watch) samples(now instant) func(monitor.Samples) {
	state, requests, failures, of := w.state(now), w.requests(), w.storeFailures, monitor.Of(w.repository)
	var success []time.Time
	for _, d := range w.databases {
		success = append(success, d.success)
	}
	return func(s monitor.Samples) {
		for i, d := range state.Databases {
			addDatabase(s, d, success[i])
		}
		s.Set("firn_watch_process_rounds_total", of, float64(state.Rounds))
		s.Set("firn_watch_process_requests_total", of, float64(requests))
		s.Set("firn_watch_process_store_failures_total", of, float64(failures))
		s.Set("firn_watch_unconfirmed_snapshots", of, float64(state.Unconfirmed))
		s.Set("firn_watch_spool_bytes", of, float64(state.SpoolBytes))
		spooled := 0.0
		if !state.SpoolSince.IsZero() {
			spooled = monitor.Seconds1970(state.SpoolSince)
		}
		s.Set("firn_watch_spool_time_seconds", of, spooled)
	}
}

// addDatabase writes the values of a database.
func addDatabase(s monitor.Samples, d session.WatchedDatabase, success time.Time) {
	if d.State == string(Opening) {
		return // nothing is known yet, and the values of the watch before say more
	}
	labels := monitor.Labels(d.Environment, d.Database)
	if !d.Stored.IsZero() {
		s.Set("firn_watch_stored_time_seconds", labels, monitor.Seconds1970(d.Stored))
		s.Set("firn_watch_last_success_time_seconds", labels, monitor.Seconds1970(success))
	}
	s.Set("firn_watch_healthy", labels, map[bool]float64{true: 1}[d.Problem == ""])
	s.Set("firn_watch_rounds_total", labels, float64(d.Rounds))
	s.Set("firn_watch_failures_total", labels, float64(d.Failures))
	for cause, n := range d.Full {
		s.Set("firn_watch_full_readings_total", monitor.Cause(labels, cause), float64(n))
	}
}

// reporter writes reports into files.
type reporter struct {
	s    *session.Session
	file *session.WatchFile
}

// write writes a state, and metrics if they are not nil.
func (r *reporter) write(ctx context.Context, state session.WatchState, metricsFile string, metrics func(monitor.Samples)) (err error) {
	if r.file == nil {
		if r.file, err = r.s.NewWatchFile(ctx); err != nil {
			return err
		}
	}
	err = r.file.Write(state)
	if metrics != nil {
		err = errors.Join(err, monitor.UpdateMetrics(ctx, r.s, metricsFile, metrics))
	}
	return err
}

// close removes the state file.
func (r *reporter) close() error { return r.file.Close() }

// status returns one line about the watch, for systemd.
func (w *Watch) status(now instant) string {
	var behind time.Duration
	faults := 0
	for _, d := range w.databases {
		if d.fault != nil && !d.expected {
			faults++
		} else if d.taken {
			behind = max(behind, d.behind(now))
		}
	}
	text := fmt.Sprintf("%s, %s behind at most", report.Plural(len(w.databases), "database"), behind.Truncate(10*time.Second))
	if faults > 0 {
		text += fmt.Sprintf(", %d in a fault", faults)
	}
	if w.away.err != nil {
		text += ", the repository takes nothing since " + w.when(w.away.since.wall)
	}
	return text
}
