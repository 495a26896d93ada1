package monitor_test

import (
	"os"
	"strings"
	"testing"

	"firn/internal/sessiontest"
	"firn/monitor"
)

// TestUpdateMetrics checks that each writer keeps what others have written, and that counters are told from gauges.
func TestUpdateMetrics(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	path, labels := f.Path("firn.prom"), monitor.Labels(`a"b`, "app")
	for _, change := range []func(monitor.Samples){
		func(s monitor.Samples) { s.Set("firn_last_run_exit_code", labels, 3) },
		func(s monitor.Samples) {
			s.Set("firn_watch_full_readings_total", monitor.Cause(labels, "lost"), 2)
			s.Set("firn_watch_spool_bytes", monitor.Of("s3:x"), 0.5)
		},
		func(s monitor.Samples) {
			if got := s.Known("firn_last_run_exit_code", `a"b`); len(got) != 1 || got[0] != labels {
				t.Errorf("known: got %q", got)
			}
		},
	} {
		if err := monitor.UpdateMetrics(t.Context(), f.Session, path, change); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE firn_last_run_exit_code gauge\nfirn_last_run_exit_code{environment=\"a\\\"b\",database=\"app\"} 3\n",
		"# TYPE firn_watch_full_readings_total counter\nfirn_watch_full_readings_total{environment=\"a\\\"b\",database=\"app\",cause=\"lost\"} 2\n",
		"firn_watch_spool_bytes{repository=\"s3:x\"} 0.5\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}
