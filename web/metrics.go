package web

import (
	"net/http"

	"firn/monitor"
	"firn/upkeep"
)

// metrics answers with the state of the databases for Prometheus: what the file of metrics holds, if one is configured, and what the
// repository says, which also knows backups of other hosts.
func (c *call) metrics() error {
	st, err := c.visibleStates()
	if err != nil {
		return err
	}
	samples := make(monitor.Samples)
	if file := c.v.s.Conf.MetricsFile; file != "" && c.grant.Everything() {
		if samples, err = monitor.ReadMetrics(file); err != nil {
			return err
		}
	}
	for _, s := range st.States {
		addState(samples, s)
	}
	c.send(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", []byte(samples.String()))
	return nil
}

// addState sets the samples of a database that its snapshots tell.
func addState(s monitor.Samples, st upkeep.State) {
	labels := monitor.Labels(st.Environment, st.Database)
	if st.Watch != nil && !st.Watch.Stored.IsZero() {
		s.Set("firn_watch_stored_time_seconds", labels, monitor.Seconds1970(st.Watch.Stored))
		s.Set("firn_watch_healthy", labels, truth(st.Watch.Problem == "" && !st.Watch.Gone))
	}
	snap := st.Newest
	if snap == nil {
		return
	}
	s.Set("firn_snapshot_time_seconds", labels, monitor.Seconds1970(snap.Time))
	s.Set("firn_snapshot_size_bytes", labels, float64(snap.Image().Size))
	s.Set("firn_snapshot_added_bytes", labels, float64(snap.Added))
	s.Set("firn_snapshot_unchanged", labels, truth(snap.Unchanged))
	if v := snap.Verified; v != nil {
		s.Set("firn_snapshot_sound", labels, truth(v.Sound()))
		s.Set("firn_snapshot_checked_time_seconds", labels, monitor.Seconds1970(v.Checked()))
	}
}

// truth returns 1 for true.
func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
