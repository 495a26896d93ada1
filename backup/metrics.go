package backup

import (
	"cmp"
	"context"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/outcome"
)

// recorded is everything that the metrics tell of one backup.
type recorded struct {
	env      *config.Environment
	began    time.Time
	took     time.Duration
	requests int64   // of the session meanwhile
	result   *Result // nil for no snapshot
	err      error
}

// addTo adds a backup to the metrics.
func (r recorded) addTo(s monitor.Samples) {
	for _, labels := range labelsOf(s, r.env) {
		r.addAs(s, labels)
	}
}

// labelsOf returns the labels of an environment's series. If the configuration does not tell the database, they are the labels
// that are in the file already: a new series without a database would tell of a failure for ever.
func labelsOf(s monitor.Samples, env *config.Environment) []string {
	if env.DatabaseName != "" {
		return []string{monitor.Labels(env.Name, env.DatabaseName)}
	}
	return s.Known("firn_last_run_exit_code", env.Name)
}

func (r recorded) addAs(s monitor.Samples, labels string) {
	ended := monitor.Seconds1970(r.began.Add(r.took))
	code := outcome.CodeDone
	if r.err != nil {
		code, _ = outcome.Classify(r.err)
	}
	s.Set("firn_last_run_time_seconds", labels, ended)
	s.Set("firn_last_run_exit_code", labels, float64(code))
	s.Set("firn_last_run_duration_seconds", labels, r.took.Seconds())
	s.Set("firn_last_run_requests", labels, float64(r.requests))
	if r.err == nil {
		s.Set("firn_last_success_time_seconds", labels, ended)
	}
	if m := r.result; m != nil {
		s.Set("firn_snapshot_time_seconds", labels, monitor.Seconds1970(m.Snapshot.Time))
		s.Set("firn_snapshot_size_bytes", labels, float64(m.Size()))
		s.Set("firn_snapshot_added_bytes", labels, float64(m.Snapshot.Added))
		s.Set("firn_snapshot_unchanged", labels, map[bool]float64{true: 1}[m.Unchanged()])
		if v := m.Snapshot.Verified; v != nil {
			s.Set("firn_snapshot_sound", labels, map[bool]float64{true: 1}[v.Sound()])
			s.Set("firn_snapshot_checked_time_seconds", labels, monitor.Seconds1970(v.Checked()))
		}
	}
}

// recordMetrics writes the outcome of a backup into the metrics file, if there is one. A backup does not depend on it.
func (w *watch) recordMetrics(ctx context.Context, r recorded) {
	path := cmp.Or(w.metricsFile, w.Conf.MetricsFile)
	if path == "" {
		return
	}
	if err := monitor.UpdateMetrics(context.WithoutCancel(ctx), w.Session, path, r.addTo); err != nil {
		w.Warn("metrics of %s could not be written: %v", r.env.Name, err)
	}
}
